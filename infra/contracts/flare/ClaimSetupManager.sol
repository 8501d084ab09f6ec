// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClaimSetupManager} from "./interfaces/IClaimSetupManager.sol";

/// @title ClaimSetupManager: an owner's cold key names hot keys that claim for it
/// @dev Locally without executors for hire, their fees, and delegation accounts.
contract ClaimSetupManager is IClaimSetupManager {
    mapping(address owner => address[]) private _executors;
    mapping(address owner => address[]) private _recipients;

    error ExecutorOnly(address executor);
    error RecipientNotAllowed(address recipient);
    error FeeNotSupported();

    /// @inheritdoc IClaimSetupManager
    function setClaimExecutors(address[] memory executors) external payable {
        if (msg.value > 0) revert FeeNotSupported();
        _executors[msg.sender] = executors;
        emit ClaimExecutorsChanged(msg.sender, executors);
    }

    /// @inheritdoc IClaimSetupManager
    function setAllowedClaimRecipients(address[] memory recipients) external {
        _recipients[msg.sender] = recipients;
        emit AllowedClaimRecipientsChanged(msg.sender, recipients);
    }

    /// @inheritdoc IClaimSetupManager
    function checkExecutorAndAllowedRecipient(address executor, address owner, address recipient) external view {
        if (!isClaimExecutor(owner, executor)) revert ExecutorOnly(executor);
        if (recipient != owner && !_isAmong(_recipients[owner], recipient)) revert RecipientNotAllowed(recipient);
    }

    /// @inheritdoc IClaimSetupManager
    function isClaimExecutor(address owner, address executor) public view returns (bool) {
        return _isAmong(_executors[owner], executor);
    }

    function _isAmong(address[] storage list, address wanted) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == wanted) return true;
        }
        return false;
    }
}
