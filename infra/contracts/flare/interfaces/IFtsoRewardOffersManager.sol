// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The offers that decide which feeds a reward epoch has, and in which order
interface IFtsoRewardOffersManager {
    struct Offer {
        uint120 amount;
        bytes21 feedId;
        uint16 minRewardedTurnoutBIPS;
        uint24 primaryBandRewardSharePPM;
        uint24 secondaryBandWidthPPM;
        address claimBackAddress;
    }

    /// @notice The least total of one offerRewards call changed.
    event MinimalRewardsOfferValueSet(uint256 valueWei);

    /// @notice Somebody offered a reward for one feed.
    event RewardsOffered(
        uint24 indexed rewardEpochId,
        bytes21 feedId,
        int8 decimals,
        uint256 amount,
        uint16 minRewardedTurnoutBIPS,
        uint24 primaryBandRewardSharePPM,
        uint24 secondaryBandWidthPPM,
        address claimBackAddress
    );

    /// @notice Inflation pays for a group of feeds: 21 bytes an id, 1 byte a decimals, 3 bytes a band width.
    event InflationRewardsOffered(
        uint24 indexed rewardEpochId,
        bytes feedIds,
        bytes decimals,
        uint256 amount,
        uint16 minRewardedTurnoutBIPS,
        uint24 primaryBandRewardSharePPM,
        bytes secondaryBandWidthPPMs,
        uint16 mode
    );

    /// @notice Offers rewards for feeds of the next reward epoch; the amounts must equal the value sent.
    function offerRewards(uint24 _nextRewardEpochId, Offer[] calldata _offers) external payable;

    /// @notice The least total of one offerRewards call, in wei.
    function minimalRewardsOfferValueWei() external view returns (uint256);
}
