// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Escrow} from "./Escrow.sol";
import {Origins} from "./Origins.sol";
import {IStarknetMessaging} from "./interfaces/IStarknetMessaging.sol";
import {IZkSyncMailbox} from "./interfaces/IZkSyncMailbox.sol";

/// @title PaymentRegistryV2: pays orders of an L2 once each, and proves it to the order's escrow, singly or in batches
/// @dev The second generation: chains by their id, recipients are addresses, a transfer is remembered as one bit.
contract PaymentRegistryV2 is Origins {
    uint128 public constant ZKSYNC = 324;
    uint128 public constant STARKNET = 0x534e5f4d41494e;

    mapping(bytes32 key => bool) public transfers;

    event Transfer(uint256 indexed orderId, address srcAddress, address destAddress, uint256 amount, uint128 chainId);
    event ClaimPayment(uint256 indexed orderId, address destAddress, uint256 amount, uint128 chainId);

    error LengthsDiffer();
    error FeeNotDivisible();

    constructor(IZkSyncMailbox zkSync_, IStarknetMessaging starknet_, address marketMaker_)
        Origins(zkSync_, starknet_, marketMaker_)
    {}

    /// @notice Pay the call's value to the recipient of an order, at most once
    function transfer(uint256 orderId, address destAddress, uint128 chainId) external payable {
        require(destAddress != address(0), "Invalid destination address.");
        bytes32 key = _key(orderId, destAddress, msg.value, chainId);
        require(!transfers[key], "Transfer already processed.");
        transfers[key] = true;
        (bool success,) = payable(destAddress).call{value: msg.value}("");
        require(success, "Transfer failed.");
        emit Transfer(orderId, msg.sender, destAddress, msg.value, chainId);
    }

    /// @notice Have the escrow on Starknet repay what was paid; the value pays for the message
    function claimPaymentStarknet(uint256 orderId, address destAddress, uint256 amount)
        external
        payable
        onlyOwnerOrMM
    {
        _claimed(orderId, destAddress, amount, STARKNET);
        _tellStarknet(_claimPayload(orderId, uint160(destAddress), amount), msg.value);
    }

    /// @notice The same for several; the value is shared evenly by their messages
    function claimPaymentBatchStarknet(
        uint256[] calldata orderIds,
        address[] calldata destAddresses,
        uint256[] calldata amounts
    ) external payable onlyOwnerOrMM {
        _requireAlike(orderIds, destAddresses, amounts);
        uint256 fee = msg.value / orderIds.length;
        if (fee * orderIds.length != msg.value) revert FeeNotDivisible();
        for (uint256 i = 0; i < orderIds.length; i++) {
            _claimed(orderIds[i], destAddresses[i], amounts[i], STARKNET);
            _tellStarknet(_claimPayload(orderIds[i], uint160(destAddresses[i]), amounts[i]), fee);
        }
    }

    /// @notice Have the escrow on zkSync repay what was paid; the value pays for the call
    function claimPaymentZKSync(
        uint256 orderId,
        address destAddress,
        uint256 amount,
        uint256 gasLimit,
        uint256 gasPerPubdataByteLimit
    ) external payable onlyOwnerOrMM {
        _claimed(orderId, destAddress, amount, ZKSYNC);
        _tellZkSync(abi.encodeCall(Escrow.claim_payment, (orderId, destAddress, amount)), gasLimit, gasPerPubdataByteLimit);
    }

    /// @notice The same for several, in one call on L2
    function claimPaymentBatchZKSync(
        uint256[] calldata orderIds,
        address[] calldata destAddresses,
        uint256[] calldata amounts,
        uint256 gasLimit,
        uint256 gasPerPubdataByteLimit
    ) external payable onlyOwnerOrMM {
        _requireAlike(orderIds, destAddresses, amounts);
        for (uint256 i = 0; i < orderIds.length; i++) {
            _claimed(orderIds[i], destAddresses[i], amounts[i], ZKSYNC);
        }
        bytes memory data = abi.encodeCall(Escrow.claim_payment_batch, (orderIds, destAddresses, amounts));
        _tellZkSync(data, gasLimit, gasPerPubdataByteLimit);
    }

    function _claimed(uint256 orderId, address destAddress, uint256 amount, uint128 chainId) private {
        require(transfers[_key(orderId, destAddress, amount, chainId)], "Transfer not found.");
        emit ClaimPayment(orderId, destAddress, amount, chainId);
    }

    function _requireAlike(
        uint256[] calldata orderIds,
        address[] calldata destAddresses,
        uint256[] calldata amounts
    ) private pure {
        if (orderIds.length != destAddresses.length || orderIds.length != amounts.length) revert LengthsDiffer();
    }

    function _key(uint256 orderId, address destAddress, uint256 amount, uint128 chainId) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(orderId, destAddress, amount, chainId));
    }
}
