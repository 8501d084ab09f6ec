// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Who may claim for an owner of rewards, and where to
interface IClaimSetupManager {
    event ClaimExecutorsChanged(address indexed owner, address[] executors);
    event AllowedClaimRecipientsChanged(address indexed owner, address[] recipients);

    /// @notice Names the executors of the caller; those named before are executors no more.
    function setClaimExecutors(address[] memory _executors) external payable;

    /// @notice Names who else may receive what executors claim for the caller; the owner itself always may.
    function setAllowedClaimRecipients(address[] memory _recipients) external;

    /// @notice Whether the executor may claim for the owner.
    function isClaimExecutor(address _owner, address _executor) external view returns (bool);

    /// @notice Reverts where the executor may not claim for the owner, or not to the recipient.
    function checkExecutorAndAllowedRecipient(address _executor, address _owner, address _recipient) external view;
}
