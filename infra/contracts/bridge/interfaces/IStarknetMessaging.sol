// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IStarknetMessaging: what a contract on L1 asks of the Starknet core to have an L1 handler called
interface IStarknetMessaging {
    /// @notice Send felts to the handler of a contract, paid for with the call's value
    function sendMessageToL2(uint256 toAddress, uint256 selector, uint256[] calldata payload)
        external
        payable
        returns (bytes32 messageHash, uint256 nonce);
}
