// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IZkSyncMailbox: what a contract on L1 asks of a zkSync diamond to be called on L2
interface IZkSyncMailbox {
    /// @notice Order a call of `contractL2` on L2, paid for with the call's value
    /// @return canonicalTxHash by which the call is known on L2
    function requestL2Transaction(
        address contractL2,
        uint256 l2Value,
        bytes calldata data,
        uint256 l2GasLimit,
        uint256 l2GasPerPubdataByteLimit,
        bytes[] calldata factoryDeps,
        address refundRecipient
    ) external payable returns (bytes32 canonicalTxHash);

    /// @notice What such a call costs at this L1 gas price, in wei
    function l2TransactionBaseCost(uint256 gasPrice, uint256 l2GasLimit, uint256 l2GasPerPubdataByteLimit)
        external
        view
        returns (uint256);
}
