// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SigningPolicy} from "../SigningPolicy.sol";

/// @title The finalised Merkle roots of every protocol, and the signing policies that may finalise them
interface IRelay {
    /// @notice The policy setter stored a policy.
    event SigningPolicyInitialized(
        uint24 indexed rewardEpochId,
        uint32 startVotingRoundId,
        uint16 threshold,
        uint256 seed,
        address[] voters,
        uint16[] weights,
        bytes signingPolicyBytes,
        uint64 timestamp
    );

    /// @notice A policy arrived signed by the previous one.
    event SigningPolicyRelayed(uint256 indexed rewardEpochId);

    /// @notice A round of a protocol is final.
    event ProtocolMessageRelayed(
        uint8 indexed protocolId, uint32 indexed votingRoundId, bool isSecureRandom, bytes32 merkleRoot
    );

    error AlreadyRelayed();
    error BadS();
    error BadV();
    error DelayedSignPolicy();
    error IndexOutOfOrder();
    error IndexOutOfRange();
    error InvalidProtocolId();
    error InvalidSignPolicyLength();
    error InvalidSignPolicyMetadata();
    error InvalidVotingRoundId();
    error MerkleProofInvalid();
    error MessageTooOld();
    error MustUseNewSignPolicy();
    error NoNewSignPolicySize();
    error NoRandomNumber();
    error NoSignatureCount();
    error NotEnoughSignatures();
    error NotFinalized();
    error NotNextRewardEpoch();
    error NotWithLastInitialized();
    error OnlySigningPolicySetterRole();
    error SignPolicyRelayDisabled();
    error SigningPolicyEmpty();
    error SigningPolicyHashMismatch();
    error ThresholdTooHigh();
    error ThresholdTooLow();
    error TooManyVoters();
    error TooShortMessage();
    error TotalWeightTooBig();
    error WrongMessageFormat();
    error WrongSignPolicyRewardEpoch();
    error WrongSignature();
    error WrongSizeForNewSignPolicy();
    error ZeroMerkleRoot();

    /// @notice Finalises a round or installs the next policy; everything it needs is raw calldata after the selector.
    function relay() external returns (bytes memory);

    /// @notice Stores the policy of the next reward epoch; the policy setter only.
    function setSigningPolicy(SigningPolicy memory _signingPolicy) external returns (bytes32);

    /// @notice Checks a leaf against the finalised root of a round.
    function verify(uint256 _protocolId, uint256 _votingRoundId, bytes32 _leaf, bytes32[] calldata _proof)
        external
        payable
        returns (bool);

    /// @notice The contract that may call setSigningPolicy.
    function signingPolicySetter() external view returns (address);

    /// @notice The hash of a reward epoch's policy; zero when there is none.
    function toSigningPolicyHash(uint256 _rewardEpochId) external view returns (bytes32 _signingPolicyHash);

    /// @notice Whether a root is stored.
    function isFinalized(uint256 _protocolId, uint256 _votingRoundId) external view returns (bool);

    /// @notice The root of a round; zero before it is final.
    function merkleRoots(uint256 _protocolId, uint256 _votingRoundId) external view returns (bytes32 _merkleRoot);

    /// @notice The first round that a reward epoch's policy signs.
    function startingVotingRoundIds(uint256 _rewardEpochId) external view returns (uint256 _startingVotingRoundId);

    /// @notice The voting round that a time in seconds lies in.
    function getVotingRoundId(uint256 _timestamp) external view returns (uint256 _votingRoundId);

    /// @notice The newest reward epoch with a policy, and its first round.
    function lastInitializedRewardEpochData()
        external
        view
        returns (uint32 _lastInitializedRewardEpoch, uint32 _startingVotingRoundIdForLastInitializedRewardEpoch);

    /// @notice The newest round's random number, its quality, and the end of that round in seconds.
    function getRandomNumber()
        external
        view
        returns (uint256 _randomNumber, bool _isSecureRandom, uint256 _randomTimestamp);

    /// @notice The random number of a given round.
    function getRandomNumberHistorical(uint256 _votingRoundId)
        external
        view
        returns (uint256 _randomNumber, bool _isSecureRandom, uint256 _randomTimestamp);
}
