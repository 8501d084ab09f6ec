// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IFtsoFeedDecimals} from "./interfaces/IFtsoFeedDecimals.sol";
import {IFtsoRewardOffersManager} from "./interfaces/IFtsoRewardOffersManager.sol";
import {IRewardManager} from "./interfaces/IRewardManager.sol";

/// @title FtsoRewardOffersManager: offers become events, and their value goes to the pool of the next reward epoch
/// @dev Locally the owner brings the inflation of a reward epoch, where the live network's schedule does.
contract FtsoRewardOffersManager is IFtsoRewardOffersManager, Ownable {
    /// @notice A group of feeds that inflation pays for.
    struct FtsoConfiguration {
        bytes feedIds;
        uint16 minRewardedTurnoutBIPS;
        uint24 primaryBandRewardSharePPM;
        bytes secondaryBandWidthPPMs;
        uint16 mode;
    }

    uint256 private constant BIPS = 10_000;
    uint256 private constant PPM = 1_000_000;
    uint256 private constant FEED_ID_BYTES = 21;
    uint256 private constant BAND_BYTES = 3;

    IFlareSystemsManager public immutable flareSystemsManager;
    IFtsoFeedDecimals public immutable ftsoFeedDecimals;
    IRewardManager public immutable rewardManager;

    /// @inheritdoc IFtsoRewardOffersManager
    uint256 public minimalRewardsOfferValueWei;

    error NotNextRewardEpoch(uint24 rewardEpochId);
    error OfferTooSmall(uint256 valueWei, uint256 leastWei);
    error AmountsDiffer(uint256 offeredWei, uint256 sentWei);
    error InvalidOffer(bytes21 feedId);
    error InvalidConfiguration();

    /// @param governance brings inflation
    /// @param manager knows the reward epoch
    /// @param decimals knows the decimals of feeds
    /// @param rewards receives the value
    /// @param minimalRewardsOfferValueWei_ the least total of one offerRewards call
    constructor(
        address governance,
        IFlareSystemsManager manager,
        IFtsoFeedDecimals decimals,
        IRewardManager rewards,
        uint256 minimalRewardsOfferValueWei_
    ) Ownable(governance) {
        flareSystemsManager = manager;
        ftsoFeedDecimals = decimals;
        rewardManager = rewards;
        minimalRewardsOfferValueWei = minimalRewardsOfferValueWei_;
        emit MinimalRewardsOfferValueSet(minimalRewardsOfferValueWei_);
    }

    /// @inheritdoc IFtsoRewardOffersManager
    function offerRewards(uint24 nextRewardEpochId, Offer[] calldata offers) external payable {
        _requireNext(nextRewardEpochId);
        if (msg.value < minimalRewardsOfferValueWei) revert OfferTooSmall(msg.value, minimalRewardsOfferValueWei);
        uint256 total = 0;
        for (uint256 i = 0; i < offers.length; ++i) {
            total += offers[i].amount;
            _emitOffer(nextRewardEpochId, offers[i]);
        }
        if (total != msg.value) revert AmountsDiffer(total, msg.value);
        rewardManager.receiveRewards{value: msg.value}(nextRewardEpochId, false);
    }

    /// @notice Offers the value sent, as inflation, for a group of feeds of the next reward epoch; local.
    function offerInflationRewards(uint24 nextRewardEpochId, FtsoConfiguration calldata configuration)
        external
        payable
        onlyOwner
    {
        _requireNext(nextRewardEpochId);
        uint256 feeds = configuration.feedIds.length / FEED_ID_BYTES;
        bool sound = feeds > 0 && configuration.feedIds.length == feeds * FEED_ID_BYTES
            && configuration.secondaryBandWidthPPMs.length == feeds * BAND_BYTES
            && configuration.minRewardedTurnoutBIPS <= BIPS && configuration.primaryBandRewardSharePPM <= PPM;
        if (!sound) revert InvalidConfiguration();
        emit InflationRewardsOffered(
            nextRewardEpochId,
            configuration.feedIds,
            ftsoFeedDecimals.getDecimalsBulk(configuration.feedIds, nextRewardEpochId),
            msg.value,
            configuration.minRewardedTurnoutBIPS,
            configuration.primaryBandRewardSharePPM,
            configuration.secondaryBandWidthPPMs,
            configuration.mode
        );
        rewardManager.receiveRewards{value: msg.value}(nextRewardEpochId, true);
    }

    function _emitOffer(uint24 rewardEpochId, Offer calldata offer) private {
        bool sound = offer.feedId != bytes21(0) && offer.minRewardedTurnoutBIPS <= BIPS
            && offer.primaryBandRewardSharePPM <= PPM && offer.secondaryBandWidthPPM <= PPM;
        if (!sound) revert InvalidOffer(offer.feedId);
        emit RewardsOffered(
            rewardEpochId,
            offer.feedId,
            ftsoFeedDecimals.getDecimals(offer.feedId, rewardEpochId),
            offer.amount,
            offer.minRewardedTurnoutBIPS,
            offer.primaryBandRewardSharePPM,
            offer.secondaryBandWidthPPM,
            offer.claimBackAddress == address(0) ? msg.sender : offer.claimBackAddress
        );
    }

    function _requireNext(uint24 rewardEpochId) private view {
        if (rewardEpochId != flareSystemsManager.getCurrentRewardEpochId() + 1) {
            revert NotNextRewardEpoch(rewardEpochId);
        }
    }
}
