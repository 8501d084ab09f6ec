// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @notice Who may sign the results of a reward epoch, and how much weight suffices.
struct SigningPolicy {
    uint24 rewardEpochId;
    uint32 startVotingRoundId;
    uint16 threshold;
    uint256 seed;
    address[] voters;
    uint16[] weights;
}

/// @notice What precedes the voters in an encoded policy, less the seed.
struct PolicyHead {
    uint256 size;
    uint256 rewardEpochId;
    uint256 startVotingRoundId;
    uint256 threshold;
}

/// @title The published byte layout of a signing policy, and its hash
/// @dev size 2 | reward epoch 3 | start round 4 | threshold 2 | seed 32 | { address 20 | weight 2 } x size
library SigningPolicyBytes {
    uint256 internal constant METADATA_BYTES = 11;
    uint256 internal constant HEAD_BYTES = 43;
    uint256 internal constant MEMBER_BYTES = 22;
    uint256 private constant CHUNK_BYTES = 32;

    /// @notice The bytes that voters hash, sign and carry in every relay call.
    function encode(SigningPolicy memory policy) internal pure returns (bytes memory encoded) {
        encoded = abi.encodePacked(
            uint16(policy.voters.length), policy.rewardEpochId, policy.startVotingRoundId, policy.threshold, policy.seed
        );
        for (uint256 i = 0; i < policy.voters.length; ++i) {
            encoded = bytes.concat(encoded, bytes20(policy.voters[i]), bytes2(policy.weights[i]));
        }
    }

    /// @notice The head of an encoded policy; the caller has checked that METADATA_BYTES are there.
    function head(bytes calldata encoded) internal pure returns (PolicyHead memory) {
        return PolicyHead({
            size: uint16(bytes2(encoded[0:2])),
            rewardEpochId: uint24(bytes3(encoded[2:5])),
            startVotingRoundId: uint32(bytes4(encoded[5:9])),
            threshold: uint16(bytes2(encoded[9:11]))
        });
    }

    /// @notice How long an encoded policy of that many voters is.
    function lengthOf(uint256 size) internal pure returns (uint256) {
        return HEAD_BYTES + size * MEMBER_BYTES;
    }

    /// @notice The signing address and weight at a position of the policy.
    function member(bytes calldata encoded, uint256 index) internal pure returns (address signer, uint256 weight) {
        uint256 start = HEAD_BYTES + index * MEMBER_BYTES;
        signer = address(bytes20(encoded[start:start + 20]));
        weight = uint16(bytes2(encoded[start + 20:start + MEMBER_BYTES]));
    }

    /// @notice keccak256 chained over 32-byte chunks, the last one padded with zeros.
    function hash(bytes calldata encoded) internal pure returns (bytes32 digest) {
        digest = bytes32(encoded[0:CHUNK_BYTES]);
        for (uint256 start = CHUNK_BYTES; start < encoded.length; start += CHUNK_BYTES) {
            uint256 end = start + CHUNK_BYTES;
            if (end > encoded.length) end = encoded.length;
            digest = Hashes.efficientKeccak256(digest, bytes32(encoded[start:end]));
        }
    }
}
