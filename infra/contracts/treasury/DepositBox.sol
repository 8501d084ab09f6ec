// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title DepositBox: passes whatever comes in on to one wallet, and logs it
/// @dev A transfer of the chain's own coin to a wallet logs nothing, so nobody can be told of it; one to a box does. It
///      has no owner and keeps nothing: a deposit that the wallet does not take is refused.
contract DepositBox {
    address payable public immutable wallet;

    event Deposited(address indexed sender, address indexed wallet, uint256 amount);

    error NotTaken();

    /// @param wallet_ where everything goes, for good
    constructor(address payable wallet_) {
        wallet = wallet_;
    }

    receive() external payable {
        (bool taken,) = wallet.call{value: msg.value}("");
        if (!taken) revert NotTaken();
        emit Deposited(msg.sender, wallet, msg.value);
    }
}
