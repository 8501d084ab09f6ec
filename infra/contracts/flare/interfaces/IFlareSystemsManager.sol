// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The clock of voting rounds and reward epochs, and the steps from one reward epoch to the next
interface IFlareSystemsManager {
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    struct NumberOfWeightBasedClaims {
        uint256 rewardManagerId;
        uint256 noOfWeightBasedClaims;
    }

    /// @notice The preparation of a reward epoch began.
    event RandomAcquisitionStarted(uint24 indexed rewardEpochId, uint64 timestamp);

    /// @notice Voter registration is open; weights are those of votePowerBlock.
    event VotePowerBlockSelected(uint24 indexed rewardEpochId, uint64 votePowerBlock, uint64 timestamp);

    /// @notice A reward epoch began.
    event RewardEpochStarted(uint24 indexed rewardEpochId, uint32 startVotingRoundId, uint64 timestamp);

    /// @notice A voter signed the rewards of an ended reward epoch.
    event RewardsSigned(
        uint24 indexed rewardEpochId,
        address indexed signingPolicyAddress,
        address indexed voter,
        bytes32 rewardsHash,
        NumberOfWeightBasedClaims[] noOfWeightBasedClaims,
        uint64 timestamp,
        bool thresholdReached
    );

    /// @notice Counts a voter's signature of the rewards' Merkle root.
    function signRewards(
        uint24 _rewardEpochId,
        NumberOfWeightBasedClaims[] calldata _noOfWeightBasedClaims,
        bytes32 _rewardsHash,
        Signature calldata _signature
    ) external;

    /// @notice Start of the first reward epoch, in seconds.
    function firstRewardEpochStartTs() external view returns (uint64);

    /// @notice Nominal length of a reward epoch, in seconds.
    function rewardEpochDurationSeconds() external view returns (uint64);

    /// @notice Start of voting round 0, in seconds.
    function firstVotingRoundStartTs() external view returns (uint64);

    /// @notice Length of a voting epoch, in seconds.
    function votingEpochDurationSeconds() external view returns (uint64);

    /// @notice The block whose vote power counts in a reward epoch.
    function getVotePowerBlock(uint256 _rewardEpochId) external view returns (uint64 _votePowerBlock);

    /// @notice The first voting round of a reward epoch.
    function getStartVotingRoundId(uint256 _rewardEpochId) external view returns (uint32);

    /// @notice The reward epoch of this block.
    function getCurrentRewardEpochId() external view returns (uint24);

    /// @notice The voting epoch of this block.
    function getCurrentVotingEpochId() external view returns (uint32);

    /// @notice The seed of a reward epoch's signing policy.
    function getSeed(uint256 _rewardEpochId) external view returns (uint256);

    /// @notice The weight that signatures of a reward epoch must exceed.
    function getThreshold(uint256 _rewardEpochId) external view returns (uint16);

    /// @notice The vote power block of a reward epoch, and whether voters may register for it now.
    function getVoterRegistrationData(uint256 _rewardEpochId)
        external
        view
        returns (uint256 _votePowerBlock, bool _enabled);

    /// @notice Whether voters may register for the next reward epoch now.
    function isVoterRegistrationEnabled() external view returns (bool);

    /// @notice The reward epoch of this block.
    function getCurrentRewardEpoch() external view returns (uint256);

    /// @notice The signed Merkle root of a reward epoch's claims; zero before it is signed.
    function rewardsHash(uint256 _rewardEpochId) external view returns (bytes32);
}
