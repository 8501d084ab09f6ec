// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Feed values of finalised rounds, published with their proofs
interface IFtsoFeedPublisher {
    struct Feed {
        uint32 votingRoundId;
        bytes21 id;
        int32 value;
        uint16 turnoutBIPS;
        int8 decimals;
    }

    struct FeedWithProof {
        bytes32[] merkleProof;
        Feed body;
    }

    /// @notice A feed's value of a round is stored.
    event FtsoFeedPublished(
        uint32 indexed votingRoundId, bytes21 indexed id, int32 value, uint16 turnoutBIPS, int8 decimals
    );

    /// @notice Stores proven feed values; anyone may call.
    function publish(FeedWithProof[] calldata _proofs) external;

    /// @notice The protocol whose roots count.
    function ftsoProtocolId() external view returns (uint8);

    /// @notice How many rounds of a feed are kept.
    function feedsHistorySize() external view returns (uint256);

    /// @notice The newest published value of a feed.
    function getCurrentFeed(bytes21 _feedId) external view returns (Feed memory);

    /// @notice The published value of a feed in a round.
    function getFeed(bytes21 _feedId, uint256 _votingRoundId) external view returns (Feed memory);
}
