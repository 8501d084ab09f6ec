// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What is offered for fast updates
interface IFastUpdateIncentiveManager {
    struct FeedConfiguration {
        bytes21 feedId;
        uint32 rewardBandValue;
        uint24 inflationShare;
    }

    /// @notice Somebody paid for a wider range of steps; range and sample size are fixed-point numbers.
    event IncentiveOffered(
        uint24 indexed rewardEpochId, uint256 rangeIncrease, uint256 sampleSizeIncrease, uint256 offerAmount
    );

    /// @notice Inflation offers an amount for the feeds, which are in the order of the updates' deltas.
    event InflationRewardsOffered(uint24 indexed rewardEpochId, FeedConfiguration[] feedConfigurations, uint256 amount);
}
