// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStarknetMessaging} from "./interfaces/IStarknetMessaging.sol";

/// @title StarknetCore: takes messages to L1 handlers, and logs them as the live core does
/// @dev Nothing local executes them: there is no Starknet node among the packages.
contract StarknetCore is IStarknetMessaging {
    uint256 private _nonce;

    event LogMessageToL2(
        address indexed fromAddress,
        uint256 indexed toAddress,
        uint256 indexed selector,
        uint256[] payload,
        uint256 nonce,
        uint256 fee
    );

    error FeeMissing();

    /// @inheritdoc IStarknetMessaging
    function sendMessageToL2(uint256 toAddress, uint256 selector, uint256[] calldata payload)
        external
        payable
        returns (bytes32 messageHash, uint256 nonce)
    {
        if (msg.value == 0) revert FeeMissing();
        nonce = _nonce++;
        emit LogMessageToL2(msg.sender, toAddress, selector, payload, nonce, msg.value);
        messageHash = keccak256(
            abi.encodePacked(uint256(uint160(msg.sender)), toAddress, nonce, selector, payload.length, payload)
        );
    }
}
