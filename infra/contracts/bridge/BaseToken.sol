// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title BaseToken: tells of ether that L2 makes out of what was paid on L1, as zkSync's token of that name does
/// @dev It lives at the address of the live one; what it mints is sent along by whoever calls it.
contract BaseToken {
    event Mint(address indexed account, uint256 amount);

    error NotTaken(address account);

    /// @notice Hand the call's value to an account
    function mint(address account) external payable {
        (bool taken,) = payable(account).call{value: msg.value}("");
        if (!taken) revert NotTaken(account);
        emit Mint(account, msg.value);
    }
}
