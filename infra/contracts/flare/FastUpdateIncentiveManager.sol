// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IFastUpdateIncentiveManager} from "./interfaces/IFastUpdateIncentiveManager.sol";
import {IRewardManager} from "./interfaces/IRewardManager.sol";

/// @title FastUpdateIncentiveManager: offers for fast updates become events, and their value goes to the reward pools
/// @dev Locally the owner brings inflation; nobody can pay for a wider range.
contract FastUpdateIncentiveManager is IFastUpdateIncentiveManager, Ownable {
    IRewardManager public immutable rewardManager;

    /// @param governance brings inflation
    /// @param rewards receives the value
    constructor(address governance, IRewardManager rewards) Ownable(governance) {
        rewardManager = rewards;
    }

    /// @notice Offers the value sent for the fast updates of a reward epoch; local.
    function offerInflationRewards(uint24 rewardEpochId, FeedConfiguration[] calldata feeds)
        external
        payable
        onlyOwner
    {
        emit InflationRewardsOffered(rewardEpochId, feeds, msg.value);
        rewardManager.receiveRewards{value: msg.value}(rewardEpochId, true);
    }
}
