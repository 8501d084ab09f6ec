// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The pools of reward epochs, and the claims that are paid from them
interface IRewardManager {
    enum ClaimType {
        DIRECT,
        FEE,
        WNAT,
        MIRROR,
        CCHAIN
    }

    struct RewardClaim {
        uint24 rewardEpochId;
        bytes20 beneficiary;
        uint120 amount;
        ClaimType claimType;
    }

    struct RewardClaimWithProof {
        bytes32[] merkleProof;
        RewardClaim body;
    }

    /// @notice A reward was paid.
    event RewardClaimed(
        address indexed beneficiary,
        address indexed rewardOwner,
        address indexed recipient,
        uint24 rewardEpochId,
        ClaimType claimType,
        uint120 amount
    );

    /// @notice Pays proven claims to the recipient.
    function claim(
        address _rewardOwner,
        address payable _recipient,
        uint24 _rewardEpochId,
        bool _wrap,
        RewardClaimWithProof[] calldata _proofs
    ) external returns (uint256 _rewardAmountWei);

    /// @notice Adds to the pool of a reward epoch; reward offer contracts only.
    function receiveRewards(uint24 _rewardEpochId, bool _inflation) external payable;

    /// @notice Which of the network's reward managers this is, as the signed claim counts name it.
    function rewardManagerId() external view returns (uint256);

    /// @notice Sums over all reward epochs, in wei.
    function getTotals()
        external
        view
        returns (
            uint256 _totalRewardsWei,
            uint256 _totalInflationRewardsWei,
            uint256 _totalClaimedWei,
            uint256 _totalBurnedWei
        );

    /// @notice Sums of one reward epoch, in wei.
    function getRewardEpochTotals(uint24 _rewardEpochId)
        external
        view
        returns (
            uint256 _totalRewardsWei,
            uint256 _totalInflationRewardsWei,
            uint256 _initialisedRewardsWei,
            uint256 _claimedRewardsWei,
            uint256 _burnedRewardsWei
        );
}
