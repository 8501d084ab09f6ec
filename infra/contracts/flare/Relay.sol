// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IRelay} from "./interfaces/IRelay.sol";
import {PolicyHead, SigningPolicy, SigningPolicyBytes} from "./SigningPolicy.sol";
import {SigningPolicyRules} from "./SigningPolicyRules.sol";
import {WeightedSignatures} from "./WeightedSignatures.sol";

/// @title Relay: a round is final here once signers of more weight than the threshold agree on its Merkle root
/// @dev Calldata of relay(): selector | signing policy | message 38 | count 2 | { v 1 | r 32 | s 32 | index 2 } x count,
///      or selector | signing policy | 00 | next signing policy | count 2 | { ... } x count.
contract Relay is IRelay {
    using SigningPolicyBytes for bytes;

    /// @notice The network's numbers and the state that changes with every round; published as one getter.
    struct StateData {
        uint8 randomNumberProtocolId;
        uint32 firstVotingRoundStartTs;
        uint8 votingEpochDurationSeconds;
        uint32 firstRewardEpochStartVotingRoundId;
        uint16 rewardEpochDurationInVotingEpochs;
        uint16 thresholdIncreaseBIPS;
        uint32 randomVotingRoundId;
        bool isSecureRandom;
        uint32 lastInitializedRewardEpoch;
        bool noSigningPolicyRelay;
        uint32 messageFinalizationWindowInRewardEpochs;
    }

    /// @dev A 38-byte message, decoded.
    struct Message {
        uint8 protocolId;
        uint32 votingRoundId;
        bool isSecureRandom;
        bytes32 merkleRoot;
    }

    uint256 private constant SELECTOR_BYTES = 4;
    uint256 private constant MESSAGE_BYTES = 38;
    uint256 private constant BIPS = 10_000;
    uint8 private constant POLICY_PROTOCOL_ID = 0;
    uint8 private constant DIRECT_SIGNING_PROTOCOL_ID = 1;

    /// @inheritdoc IRelay
    address public immutable signingPolicySetter;

    /// @notice Timing, rules and the newest random round.
    StateData public stateData;

    /// @inheritdoc IRelay
    mapping(uint256 rewardEpochId => bytes32) public toSigningPolicyHash;

    /// @inheritdoc IRelay
    mapping(uint256 protocolId => mapping(uint256 votingRoundId => bytes32)) public merkleRoots;

    /// @inheritdoc IRelay
    mapping(uint256 rewardEpochId => uint256) public startingVotingRoundIds;

    mapping(uint256 votingRoundId => bool) private _secureRandom;

    /// @param setter may call setSigningPolicy
    /// @param initial the state to begin with; lastInitializedRewardEpoch is the one before the first policy's
    constructor(address setter, StateData memory initial) {
        signingPolicySetter = setter;
        stateData = initial;
    }

    /// @inheritdoc IRelay
    function relay() external returns (bytes memory) {
        bytes calldata body = msg.data[SELECTOR_BYTES:];
        if (body.length < SigningPolicyBytes.METADATA_BYTES) revert InvalidSignPolicyMetadata();
        PolicyHead memory head = body.head();
        uint256 policyBytes = SigningPolicyBytes.lengthOf(head.size);
        if (body.length < policyBytes + 1) revert InvalidSignPolicyLength();
        bytes calldata policy = body[:policyBytes];
        if (policy.hash() != toSigningPolicyHash[head.rewardEpochId]) revert SigningPolicyHashMismatch();

        bytes calldata rest = body[policyBytes:];
        if (uint8(rest[0]) == POLICY_PROTOCOL_ID) _relayPolicy(head, policy, rest[1:]);
        else _relayMessage(head, policy, rest);
        return "";
    }

    /// @inheritdoc IRelay
    function setSigningPolicy(SigningPolicy memory policy) external returns (bytes32 digest) {
        if (msg.sender != signingPolicySetter) revert OnlySigningPolicySetterRole();
        bytes memory encoded = SigningPolicyBytes.encode(policy);
        digest = this.installPolicy(encoded);
        emit SigningPolicyInitialized(
            policy.rewardEpochId,
            policy.startVotingRoundId,
            policy.threshold,
            policy.seed,
            policy.voters,
            policy.weights,
            encoded,
            uint64(block.timestamp)
        );
    }

    /// @notice Checks and stores an encoded policy; this contract alone may call, to have its bytes as calldata.
    function installPolicy(bytes calldata encoded) external returns (bytes32) {
        if (msg.sender != address(this)) revert OnlySigningPolicySetterRole();
        return _install(encoded);
    }

    /// @inheritdoc IRelay
    function verify(uint256 protocolId, uint256 votingRoundId, bytes32 leaf, bytes32[] calldata proof)
        external
        payable
        returns (bool)
    {
        if (protocolId <= DIRECT_SIGNING_PROTOCOL_ID) revert InvalidProtocolId();
        bytes32 root = merkleRoots[protocolId][votingRoundId];
        if (root == bytes32(0)) revert NotFinalized();
        if (!MerkleProof.verifyCalldata(proof, root, leaf)) revert MerkleProofInvalid();
        return true;
    }

    /// @inheritdoc IRelay
    function isFinalized(uint256 protocolId, uint256 votingRoundId) external view returns (bool) {
        return merkleRoots[protocolId][votingRoundId] != bytes32(0);
    }

    /// @inheritdoc IRelay
    function getVotingRoundId(uint256 timestamp) external view returns (uint256) {
        if (timestamp < stateData.firstVotingRoundStartTs) revert InvalidVotingRoundId();
        return (timestamp - stateData.firstVotingRoundStartTs) / stateData.votingEpochDurationSeconds;
    }

    /// @inheritdoc IRelay
    function lastInitializedRewardEpochData() external view returns (uint32 last, uint32 startingVotingRoundId) {
        last = stateData.lastInitializedRewardEpoch;
        startingVotingRoundId = uint32(startingVotingRoundIds[last]);
    }

    /// @inheritdoc IRelay
    function getRandomNumber() external view returns (uint256 number, bool secure, uint256 timestamp) {
        uint32 round = stateData.randomVotingRoundId;
        number = uint256(merkleRoots[stateData.randomNumberProtocolId][round]);
        return (number, stateData.isSecureRandom, _endOf(round));
    }

    /// @inheritdoc IRelay
    function getRandomNumberHistorical(uint256 votingRoundId)
        external
        view
        returns (uint256 number, bool secure, uint256 timestamp)
    {
        number = uint256(merkleRoots[stateData.randomNumberProtocolId][votingRoundId]);
        if (number == 0) revert NoRandomNumber();
        return (number, _secureRandom[votingRoundId], _endOf(votingRoundId));
    }

    function _relayMessage(PolicyHead memory head, bytes calldata policy, bytes calldata rest) private {
        if (rest.length < MESSAGE_BYTES) revert TooShortMessage();
        Message memory message = _decode(rest);
        if (message.protocolId == DIRECT_SIGNING_PROTOCOL_ID) revert InvalidProtocolId();
        if (merkleRoots[message.protocolId][message.votingRoundId] != bytes32(0)) revert AlreadyRelayed();
        if (message.merkleRoot == bytes32(0)) revert ZeroMerkleRoot();

        uint256 threshold = _thresholdFor(head, message.votingRoundId);
        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(keccak256(rest[:MESSAGE_BYTES]));
        WeightedSignatures.requireAbove(policy, head.size, rest[MESSAGE_BYTES:], digest, threshold);

        merkleRoots[message.protocolId][message.votingRoundId] = message.merkleRoot;
        if (message.protocolId == stateData.randomNumberProtocolId) _recordRandom(message);
        emit ProtocolMessageRelayed(
            message.protocolId, message.votingRoundId, message.isSecureRandom, message.merkleRoot
        );
    }

    function _relayPolicy(PolicyHead memory head, bytes calldata policy, bytes calldata rest) private {
        if (stateData.noSigningPolicyRelay) revert SignPolicyRelayDisabled();
        if (rest.length < SigningPolicyBytes.METADATA_BYTES) revert NoNewSignPolicySize();
        PolicyHead memory next = rest.head();
        uint256 nextBytes = SigningPolicyBytes.lengthOf(next.size);
        if (rest.length < nextBytes) revert WrongSizeForNewSignPolicy();
        if (head.rewardEpochId != stateData.lastInitializedRewardEpoch) revert NotWithLastInitialized();

        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(_install(rest[:nextBytes]));
        WeightedSignatures.requireAbove(policy, head.size, rest[nextBytes:], digest, head.threshold);
        emit SigningPolicyRelayed(next.rewardEpochId);
    }

    function _install(bytes calldata encoded) private returns (bytes32 digest) {
        PolicyHead memory head = encoded.head();
        if (head.rewardEpochId != uint256(stateData.lastInitializedRewardEpoch) + 1) revert NotNextRewardEpoch();
        SigningPolicyRules.check(encoded, head);
        digest = encoded.hash();
        toSigningPolicyHash[head.rewardEpochId] = digest;
        startingVotingRoundIds[head.rewardEpochId] = head.startVotingRoundId;
        stateData.lastInitializedRewardEpoch = uint32(head.rewardEpochId);
    }

    function _recordRandom(Message memory message) private {
        if (message.isSecureRandom) _secureRandom[message.votingRoundId] = true;
        // A late finalisation of an older round must not take the current random number back in time.
        if (message.votingRoundId <= stateData.randomVotingRoundId) return;
        stateData.randomVotingRoundId = message.votingRoundId;
        stateData.isSecureRandom = message.isSecureRandom;
    }

    /// @dev A policy signs rounds of its own reward epoch, and later ones for as long as no newer policy starts; while
    ///      that newer policy is missing altogether, more weight is asked for.
    function _thresholdFor(PolicyHead memory head, uint256 round) private view returns (uint256) {
        StateData memory state = stateData;
        if (round < state.firstRewardEpochStartVotingRoundId) revert InvalidVotingRoundId();
        uint256 epoch =
            (round - state.firstRewardEpochStartVotingRoundId) / uint256(state.rewardEpochDurationInVotingEpochs);
        if (epoch < head.rewardEpochId) revert WrongSignPolicyRewardEpoch();
        if (epoch + state.messageFinalizationWindowInRewardEpochs < state.lastInitializedRewardEpoch) {
            revert MessageTooOld();
        }
        if (round < head.startVotingRoundId) revert DelayedSignPolicy();
        if (epoch == head.rewardEpochId) return head.threshold;
        if (state.lastInitializedRewardEpoch == head.rewardEpochId) {
            return head.threshold * state.thresholdIncreaseBIPS / BIPS;
        }
        if (round >= startingVotingRoundIds[head.rewardEpochId + 1]) revert MustUseNewSignPolicy();
        return head.threshold;
    }

    function _endOf(uint256 round) private view returns (uint256) {
        return stateData.firstVotingRoundStartTs + (round + 1) * stateData.votingEpochDurationSeconds;
    }

    function _decode(bytes calldata message) private pure returns (Message memory) {
        uint8 secure = uint8(message[5]);
        if (secure > 1) revert WrongMessageFormat();
        return Message({
            protocolId: uint8(message[0]),
            votingRoundId: uint32(bytes4(message[1:5])),
            isSecureRandom: secure == 1,
            merkleRoot: bytes32(message[6:MESSAGE_BYTES])
        });
    }
}
