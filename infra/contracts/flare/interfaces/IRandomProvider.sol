// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The random number of the newest finalised round, as Submission serves it
interface IRandomProvider {
    /// @notice The number alone.
    function getCurrentRandom() external view returns (uint256 _randomNumber);

    /// @notice The number, and whether no voter could have bent it.
    function getCurrentRandomWithQuality() external view returns (uint256 _randomNumber, bool _isSecureRandom);

    /// @notice The number, its quality, and the end of its voting round in seconds.
    function getCurrentRandomWithQualityAndTimestamp()
        external
        view
        returns (uint256 _randomNumber, bool _isSecureRandom, uint256 _randomTimestamp);
}
