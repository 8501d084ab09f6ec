// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title How many decimals the values of a feed have
interface IFtsoFeedDecimals {
    /// @notice The decimals of a feed from a reward epoch on.
    event DecimalsChanged(bytes21 indexed feedId, int8 decimals, uint24 rewardEpochId);

    /// @notice What a feed without a setting has.
    function defaultDecimals() external view returns (int8);

    /// @notice The decimals of a feed now.
    function getCurrentDecimals(bytes21 _feedId) external view returns (int8);

    /// @notice The decimals of a feed in a reward epoch.
    function getDecimals(bytes21 _feedId, uint256 _rewardEpochId) external view returns (int8);

    /// @notice One byte per feed, for concatenated 21-byte feed ids.
    function getCurrentDecimalsBulk(bytes memory _feedIds) external view returns (bytes memory _decimals);

    /// @notice One byte per feed in a reward epoch, for concatenated 21-byte feed ids.
    function getDecimalsBulk(bytes memory _feedIds, uint256 _rewardEpochId)
        external
        view
        returns (bytes memory _decimals);
}
