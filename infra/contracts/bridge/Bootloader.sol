// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BaseToken} from "./BaseToken.sol";

/// @title Bootloader: makes the calls on L2 that L1 has ordered, and gives back what of their fee was not used
/// @dev Its code is put at the alias of whoever ordered, so that a call comes from there. As on the live network a call
///      that fails ends nothing: what was not used comes back all the same.
contract Bootloader {
    BaseToken public constant BASE_TOKEN = BaseToken(0x000000000000000000000000000000000000800A);

    struct Request {
        uint256 txId;
        address contractL2;
        uint256 l2Value;
        bytes data;
        uint256 gasLimit;
        uint256 gasPrice;
        uint256 paid;
        address refundRecipient;
    }

    mapping(bytes32 request => bool) private _isCarried;

    error OnlyItself();
    error CarriedAlready();

    /// @notice Take what the calls are made with
    receive() external payable {}

    /// @notice Make one call, once, with no more gas than was paid for
    function carry(Request calldata request) external {
        if (msg.sender != address(this)) revert OnlyItself();
        bytes32 key = keccak256(abi.encode(request));
        if (_isCarried[key]) revert CarriedAlready();
        _isCarried[key] = true;
        uint256 before = gasleft();
        (bool made,) = request.contractL2.call{gas: request.gasLimit, value: request.l2Value}(request.data);
        uint256 used = before - gasleft();
        uint256 spent = (used < request.gasLimit ? used : request.gasLimit) * request.gasPrice;
        uint256 refund = request.paid - spent - (made ? request.l2Value : 0);
        if (refund > 0) BASE_TOKEN.mint{value: refund}(request.refundRecipient);
    }
}
