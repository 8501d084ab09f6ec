// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IZkSyncMailbox} from "./interfaces/IZkSyncMailbox.sol";

/// @title ZkSyncMailbox: takes the calls that L1 orders on L2; the local relayer carries them over
/// @dev The diamond's functions, and its price. What a call does not use of what was paid for it comes back on L2
///      (Bootloader), to whom its sender names. Its event tells what a relayer needs to know, in a form of ours: the
///      live `NewPriorityRequest` is of a transaction format that nothing local executes.
contract ZkSyncMailbox is IZkSyncMailbox {
    /// @notice In wei of a unit of L2 gas, whatever L1 gas costs
    uint256 public immutable l2GasPrice;

    uint256 private _requests;

    event L2TransactionRequested(
        uint256 indexed txId, address indexed sender, address indexed contractL2, uint256 l2Value, uint256 gasLimit, bytes data
    );
    event L2TransactionPaid(uint256 indexed txId, uint256 paid, address refundRecipient);

    error FeeTooLow(uint256 paid, uint256 wanted);

    constructor(uint256 l2GasPrice_) {
        l2GasPrice = l2GasPrice_;
    }

    /// @inheritdoc IZkSyncMailbox
    function requestL2Transaction(
        address contractL2,
        uint256 l2Value,
        bytes calldata data,
        uint256 l2GasLimit,
        uint256 l2GasPerPubdataByteLimit,
        bytes[] calldata,
        address refundRecipient
    ) external payable returns (bytes32 canonicalTxHash) {
        uint256 wanted = l2TransactionBaseCost(tx.gasprice, l2GasLimit, l2GasPerPubdataByteLimit) + l2Value;
        if (msg.value < wanted) revert FeeTooLow(msg.value, wanted);
        uint256 txId = _requests++;
        emit L2TransactionRequested(txId, msg.sender, contractL2, l2Value, l2GasLimit, data);
        emit L2TransactionPaid(txId, msg.value, refundRecipient);
        return keccak256(abi.encode(block.chainid, txId, msg.sender, contractL2, l2Value, data));
    }

    /// @inheritdoc IZkSyncMailbox
    function l2TransactionBaseCost(uint256, uint256 l2GasLimit, uint256) public view returns (uint256) {
        return l2GasPrice * l2GasLimit;
    }
}
