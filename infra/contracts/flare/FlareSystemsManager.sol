// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IRelay} from "./interfaces/IRelay.sol";
import {ISubmission} from "./interfaces/ISubmission.sol";
import {IVoterRegistry} from "./interfaces/IVoterRegistry.sol";
import {SigningPolicy} from "./SigningPolicy.sol";

/// @title FlareSystemsManager: the network's clock, and the way from one signing policy to the next
/// @dev Locally the owner takes each step of the way, where the live network's daemon takes it by the clock.
contract FlareSystemsManager is IFlareSystemsManager, Ownable {
    /// @notice The numbers that differ between networks.
    struct Settings {
        uint64 firstVotingRoundStartTs;
        uint64 votingEpochDurationSeconds;
        uint64 revealDeadlineSeconds;
        uint32 firstRewardEpochStartVotingRoundId;
        uint32 rewardEpochDurationInVotingEpochs;
        uint24 initialRewardEpochId;
        uint24 signingPolicyThresholdPPM;
        uint16 signingPolicyMinNumberOfVoters;
    }

    /// @dev What is known of one reward epoch.
    struct RewardEpoch {
        uint256 seed;
        uint64 votePowerBlock;
        uint32 startVotingRoundId;
        uint16 threshold;
        bool registrationEnabled;
        bool started;
        bytes32 rewardsHash;
        bytes32 noOfWeightBasedClaimsHash;
    }

    /// @dev Signatures of one pair of claim counts and rewards root.
    struct RewardVotes {
        uint256 weight;
        mapping(address voter => bool) signed;
    }

    uint256 private constant PPM = 1_000_000;

    IRelay public immutable relay;
    IVoterRegistry public immutable voterRegistry;
    ISubmission public immutable submission;

    /// @inheritdoc IFlareSystemsManager
    uint64 public immutable firstVotingRoundStartTs;
    /// @inheritdoc IFlareSystemsManager
    uint64 public immutable votingEpochDurationSeconds;
    /// @notice How long after its start an epoch takes reveals of the round before, in seconds; local.
    uint64 public immutable revealDeadlineSeconds;
    /// @notice The voting round that reward epoch 0 began with; local.
    uint32 public immutable firstRewardEpochStartVotingRoundId;
    /// @notice Nominal length of a reward epoch, in voting epochs; local.
    uint32 public immutable rewardEpochDurationInVotingEpochs;
    /// @notice The first reward epoch that can have voters here; local.
    uint24 public immutable initialRewardEpochId;
    /// @notice The share of all signing weight that a policy asks for.
    uint24 public immutable signingPolicyThresholdPPM;
    /// @notice The least voters of a policy.
    uint16 public immutable signingPolicyMinNumberOfVoters;

    mapping(uint256 rewardEpochId => RewardEpoch) private _epochs;
    mapping(uint256 rewardEpochId => mapping(bytes32 message => RewardVotes)) private _rewardVotes;

    error RewardEpochNotNext(uint24 rewardEpochId);
    error RegistrationNotOpen(uint24 rewardEpochId);
    error TooFewVoters(uint256 voters, uint256 least);
    error RewardEpochNotDue(uint24 rewardEpochId);
    error RewardEpochNotEnded(uint24 rewardEpochId);
    error RewardsAlreadySigned(uint24 rewardEpochId);
    error SignatureInvalid();
    error VoterAlreadySigned(address voter);

    /// @param governance takes the steps between reward epochs
    /// @param settings the network's numbers
    /// @param relay_ keeps signing policies
    /// @param registry keeps voters
    /// @param submission_ is told who may submit for free
    constructor(
        address governance,
        Settings memory settings,
        IRelay relay_,
        IVoterRegistry registry,
        ISubmission submission_
    ) Ownable(governance) {
        relay = relay_;
        voterRegistry = registry;
        submission = submission_;
        firstVotingRoundStartTs = settings.firstVotingRoundStartTs;
        votingEpochDurationSeconds = settings.votingEpochDurationSeconds;
        revealDeadlineSeconds = settings.revealDeadlineSeconds;
        firstRewardEpochStartVotingRoundId = settings.firstRewardEpochStartVotingRoundId;
        rewardEpochDurationInVotingEpochs = settings.rewardEpochDurationInVotingEpochs;
        initialRewardEpochId = settings.initialRewardEpochId;
        signingPolicyThresholdPPM = settings.signingPolicyThresholdPPM;
        signingPolicyMinNumberOfVoters = settings.signingPolicyMinNumberOfVoters;
    }

    /// @notice Chooses the seed and the vote power block of the next reward epoch, and lets voters register; local.
    function openVoterRegistration(uint24 rewardEpochId) external onlyOwner {
        (uint32 last,) = relay.lastInitializedRewardEpochData();
        if (rewardEpochId != last + 1 || rewardEpochId != getCurrentRewardEpochId() + 1) {
            revert RewardEpochNotNext(rewardEpochId);
        }
        RewardEpoch storage epoch = _epochs[rewardEpochId];
        (uint256 random,,) = relay.getRandomNumber();
        epoch.seed = uint256(keccak256(abi.encode(random, rewardEpochId)));
        epoch.votePowerBlock = uint64(block.number - 1);
        epoch.registrationEnabled = true;
        emit RandomAcquisitionStarted(rewardEpochId, uint64(block.timestamp));
        emit VotePowerBlockSelected(rewardEpochId, epoch.votePowerBlock, uint64(block.timestamp));
    }

    /// @notice Closes registration and gives the Relay the policy of the next reward epoch; local.
    /// @dev Starts on time, or at the round after this one when it is late.
    function initialiseSigningPolicy(uint24 rewardEpochId) external onlyOwner {
        RewardEpoch storage epoch = _epochs[rewardEpochId];
        if (!epoch.registrationEnabled) revert RegistrationNotOpen(rewardEpochId);
        uint256 due = firstRewardEpochStartVotingRoundId + uint256(rewardEpochId) * rewardEpochDurationInVotingEpochs;
        bool late = rewardEpochId != initialRewardEpochId && due <= getCurrentVotingEpochId();
        epoch.startVotingRoundId = late ? getCurrentVotingEpochId() + 1 : uint32(due);
        epoch.registrationEnabled = false;

        SigningPolicy memory policy = _policyOf(rewardEpochId, epoch);
        epoch.threshold = policy.threshold;
        relay.setSigningPolicy(policy);
        address[] memory submitters = voterRegistry.getRegisteredSubmitAddresses(rewardEpochId);
        submission.initNewVotingRound(
            submitters, submitters, submitters, voterRegistry.getRegisteredSubmitSignaturesAddresses(rewardEpochId)
        );
    }

    /// @notice Announces a reward epoch whose first round has come; anyone may call, once per epoch.
    function startRewardEpoch(uint24 rewardEpochId) external {
        RewardEpoch storage epoch = _epochs[rewardEpochId];
        bool due = epoch.threshold != 0 && epoch.startVotingRoundId <= getCurrentVotingEpochId();
        if (!due || epoch.started) revert RewardEpochNotDue(rewardEpochId);
        epoch.started = true;
        emit RewardEpochStarted(rewardEpochId, epoch.startVotingRoundId, uint64(block.timestamp));
    }

    /// @inheritdoc IFlareSystemsManager
    function signRewards(
        uint24 rewardEpochId,
        NumberOfWeightBasedClaims[] calldata noOfWeightBasedClaims,
        bytes32 rewardsHash_,
        Signature calldata signature
    ) external {
        RewardEpoch storage epoch = _epochs[rewardEpochId];
        if (rewardEpochId >= getCurrentRewardEpochId()) revert RewardEpochNotEnded(rewardEpochId);
        if (epoch.rewardsHash != bytes32(0)) revert RewardsAlreadySigned(rewardEpochId);
        bytes32 claimsHash = keccak256(abi.encode(noOfWeightBasedClaims));
        bytes32 message = keccak256(abi.encode(rewardEpochId, claimsHash, rewardsHash_));
        (address signer, address voter, uint256 weight) = _countRewardVote(rewardEpochId, message, signature);
        bool reached = weight > epoch.threshold;
        if (reached) {
            epoch.rewardsHash = rewardsHash_;
            epoch.noOfWeightBasedClaimsHash = claimsHash;
        }
        emit RewardsSigned(
            rewardEpochId, signer, voter, rewardsHash_, noOfWeightBasedClaims, uint64(block.timestamp), reached
        );
    }

    /// @inheritdoc IFlareSystemsManager
    function firstRewardEpochStartTs() external view returns (uint64) {
        return firstVotingRoundStartTs + firstRewardEpochStartVotingRoundId * votingEpochDurationSeconds;
    }

    /// @inheritdoc IFlareSystemsManager
    function rewardEpochDurationSeconds() external view returns (uint64) {
        return rewardEpochDurationInVotingEpochs * votingEpochDurationSeconds;
    }

    /// @inheritdoc IFlareSystemsManager
    function getVotePowerBlock(uint256 rewardEpochId) external view returns (uint64) {
        return _epochs[rewardEpochId].votePowerBlock;
    }

    /// @inheritdoc IFlareSystemsManager
    function getStartVotingRoundId(uint256 rewardEpochId) external view returns (uint32) {
        return uint32(relay.startingVotingRoundIds(rewardEpochId));
    }

    /// @inheritdoc IFlareSystemsManager
    function getSeed(uint256 rewardEpochId) external view returns (uint256) {
        return _epochs[rewardEpochId].seed;
    }

    /// @inheritdoc IFlareSystemsManager
    function getThreshold(uint256 rewardEpochId) external view returns (uint16) {
        return _epochs[rewardEpochId].threshold;
    }

    /// @inheritdoc IFlareSystemsManager
    function getVoterRegistrationData(uint256 rewardEpochId) external view returns (uint256, bool) {
        return (_epochs[rewardEpochId].votePowerBlock, _epochs[rewardEpochId].registrationEnabled);
    }

    /// @inheritdoc IFlareSystemsManager
    function isVoterRegistrationEnabled() external view returns (bool) {
        return _epochs[uint256(getCurrentRewardEpochId()) + 1].registrationEnabled;
    }

    /// @inheritdoc IFlareSystemsManager
    function getCurrentRewardEpoch() external view returns (uint256) {
        return getCurrentRewardEpochId();
    }

    /// @inheritdoc IFlareSystemsManager
    function rewardsHash(uint256 rewardEpochId) external view returns (bytes32) {
        return _epochs[rewardEpochId].rewardsHash;
    }

    /// @inheritdoc IFlareSystemsManager
    function getCurrentVotingEpochId() public view returns (uint32) {
        return uint32((block.timestamp - firstVotingRoundStartTs) / votingEpochDurationSeconds);
    }

    /// @inheritdoc IFlareSystemsManager
    /// @dev The newest reward epoch whose policy has started: an epoch without a policy never becomes current.
    function getCurrentRewardEpochId() public view returns (uint24) {
        (uint32 epoch, uint256 start) = relay.lastInitializedRewardEpochData();
        while (start > getCurrentVotingEpochId()) {
            start = relay.startingVotingRoundIds(--epoch);
        }
        return uint24(epoch);
    }

    function _policyOf(uint24 rewardEpochId, RewardEpoch storage epoch) private returns (SigningPolicy memory policy) {
        uint256 voters = voterRegistry.getNumberOfRegisteredVoters(rewardEpochId);
        if (voters < signingPolicyMinNumberOfVoters) revert TooFewVoters(voters, signingPolicyMinNumberOfVoters);
        uint16 sum;
        (policy.voters, policy.weights, sum) = voterRegistry.createSigningPolicySnapshot(rewardEpochId);
        policy.rewardEpochId = rewardEpochId;
        policy.startVotingRoundId = epoch.startVotingRoundId;
        policy.threshold = uint16(Math.mulDiv(sum, signingPolicyThresholdPPM, PPM, Math.Rounding.Ceil));
        policy.seed = epoch.seed;
    }

    function _countRewardVote(uint24 rewardEpochId, bytes32 message, Signature calldata signature)
        private
        returns (address signer, address voter, uint256 weight)
    {
        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(message);
        signer = ECDSA.recover(digest, signature.v, signature.r, signature.s);
        uint16 share;
        (voter, share) = voterRegistry.getVoterWithNormalisedWeight(rewardEpochId, signer);
        if (voter == address(0)) revert SignatureInvalid();
        RewardVotes storage votes = _rewardVotes[rewardEpochId][message];
        if (votes.signed[voter]) revert VoterAlreadySigned(voter);
        votes.signed[voter] = true;
        votes.weight += share;
        weight = votes.weight;
    }
}
