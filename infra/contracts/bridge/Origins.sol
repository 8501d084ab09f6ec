// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IStarknetMessaging} from "./interfaces/IStarknetMessaging.sol";
import {IZkSyncMailbox} from "./interfaces/IZkSyncMailbox.sol";

/// @title Origins: the escrows that a registry repays from, and how they are told; a part of both registries
abstract contract Origins is Ownable {
    IZkSyncMailbox public immutable zkSync;
    IStarknetMessaging public immutable starknet;

    address public marketMaker;
    address public zkSyncEscrow;
    uint256 public starknetEscrow;
    uint256 public starknetClaimSelector;

    /// @dev Refuses with the words of the deployed registries.
    modifier onlyOwnerOrMM() {
        require(msg.sender == owner() || msg.sender == marketMaker, "Only Owner or MM can call this function");
        _;
    }

    constructor(IZkSyncMailbox zkSync_, IStarknetMessaging starknet_, address marketMaker_) Ownable(msg.sender) {
        zkSync = zkSync_;
        starknet = starknet_;
        marketMaker = marketMaker_;
    }

    /// @notice Name the escrows: they are deployed after the registry, whose address they need
    function setEscrows(address zkSyncEscrow_, uint256 starknetEscrow_, uint256 starknetClaimSelector_)
        external
        onlyOwner
    {
        zkSyncEscrow = zkSyncEscrow_;
        starknetEscrow = starknetEscrow_;
        starknetClaimSelector = starknetClaimSelector_;
    }

    /// @notice Let another address claim
    function setMarketMaker(address marketMaker_) external onlyOwner {
        marketMaker = marketMaker_;
    }

    function _tellZkSync(bytes memory data, uint256 gasLimit, uint256 gasPerPubdata) internal {
        zkSync.requestL2Transaction{value: msg.value}(
            zkSyncEscrow, 0, data, gasLimit, gasPerPubdata, new bytes[](0), msg.sender
        );
    }

    function _tellStarknet(uint256[] memory payload, uint256 fee) internal {
        starknet.sendMessageToL2{value: fee}(starknetEscrow, starknetClaimSelector, payload);
    }

    /// @dev A u256 is two felts of 128 bits, the low one first.
    function _claimPayload(uint256 orderId, uint256 recipient, uint256 amount)
        internal
        pure
        returns (uint256[] memory payload)
    {
        payload = new uint256[](5);
        (payload[0], payload[1]) = (uint128(orderId), orderId >> 128);
        payload[2] = recipient;
        (payload[3], payload[4]) = (uint128(amount), amount >> 128);
    }
}
