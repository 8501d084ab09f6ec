// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Feeds that move by small steps between voting rounds
interface IFastUpdater {
    struct G1Point {
        uint256 x;
        uint256 y;
    }

    struct SortitionCredential {
        uint256 replicate;
        G1Point gamma;
        uint256 c;
        uint256 s;
    }

    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    struct FastUpdates {
        uint256 sortitionBlock;
        SortitionCredential sortitionCredential;
        bytes deltas;
        Signature signature;
    }

    /// @notice Somebody updated in this voting round.
    event FastUpdateFeedsSubmitted(uint32 indexed votingRoundId, address indexed signingPolicyAddress);

    /// @notice The feeds as a voting epoch ended, told when the next one begins.
    event FastUpdateFeeds(uint256 indexed votingEpochId, uint256[] feeds, int8[] decimals);

    /// @notice Moves the feeds by a voter's deltas, two bits each.
    function submitUpdates(FastUpdates calldata _updates) external;
}
