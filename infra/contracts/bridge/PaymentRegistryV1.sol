// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Escrow} from "./Escrow.sol";
import {Origins} from "./Origins.sol";
import {IStarknetMessaging} from "./interfaces/IStarknetMessaging.sol";
import {IZkSyncMailbox} from "./interfaces/IZkSyncMailbox.sol";

/// @title PaymentRegistryV1: pays orders of an L2 once each, and proves it to the order's escrow
/// @dev The first generation: chains are an enumeration, recipients are words.
contract PaymentRegistryV1 is Origins {
    enum Chain {
        Starknet,
        ZKSync
    }

    struct TransferInfo {
        uint256 destAddress;
        uint256 amount;
        bool isUsed;
        Chain chainId;
    }

    mapping(bytes32 key => TransferInfo) public transfers;

    event Transfer(uint256 indexed orderId, address srcAddress, TransferInfo transferInfo);
    event ClaimPayment(TransferInfo transferInfo);

    constructor(IZkSyncMailbox zkSync_, IStarknetMessaging starknet_, address marketMaker_)
        Origins(zkSync_, starknet_, marketMaker_)
    {}

    /// @notice Pay the call's value to the recipient of an order, at most once
    function transfer(uint256 orderId, uint256 destAddress, Chain chainId) external payable {
        require(destAddress != 0 && destAddress <= type(uint160).max, "Invalid destination address.");
        bytes32 key = _key(orderId, destAddress, msg.value, chainId);
        require(!transfers[key].isUsed, "Transfer already processed.");
        transfers[key] = TransferInfo(destAddress, msg.value, true, chainId);
        (bool success,) = payable(address(uint160(destAddress))).call{value: msg.value}("");
        require(success, "Transfer failed.");
        emit Transfer(orderId, msg.sender, transfers[key]);
    }

    /// @notice Have the escrow on Starknet repay what was paid; the value pays for the message
    function claimPayment(uint256 orderId, uint256 destAddress, uint256 amount) external payable onlyOwnerOrMM {
        TransferInfo memory paid = _paid(orderId, destAddress, amount, Chain.Starknet);
        _tellStarknet(_claimPayload(orderId, destAddress, amount), msg.value);
        emit ClaimPayment(paid);
    }

    /// @notice Have the escrow on zkSync repay what was paid; the value pays for the call
    function claimPaymentZKSync(
        uint256 orderId,
        uint256 destAddress,
        uint256 amount,
        uint256 gasLimit,
        uint256 gasPerPubdataByteLimit
    ) external payable onlyOwnerOrMM {
        TransferInfo memory paid = _paid(orderId, destAddress, amount, Chain.ZKSync);
        bytes memory data = abi.encodeCall(Escrow.claim_payment, (orderId, address(uint160(destAddress)), amount));
        _tellZkSync(data, gasLimit, gasPerPubdataByteLimit);
        emit ClaimPayment(paid);
    }

    function _paid(uint256 orderId, uint256 destAddress, uint256 amount, Chain chainId)
        private
        view
        returns (TransferInfo memory paid)
    {
        paid = transfers[_key(orderId, destAddress, amount, chainId)];
        require(paid.isUsed, "Transfer not found.");
    }

    function _key(uint256 orderId, uint256 destAddress, uint256 amount, Chain chainId) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(orderId, destAddress, amount, chainId));
    }
}
