// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What consumers of prices call
interface IFtsoV2 {
    struct FeedData {
        uint32 votingRoundId;
        bytes21 id;
        int32 value;
        uint16 turnoutBIPS;
        int8 decimals;
    }

    struct FeedDataWithProof {
        bytes32[] proof;
        FeedData body;
    }

    /// @notice The protocol whose roots count.
    function getFtsoProtocolId() external view returns (uint256);

    /// @notice The newest value of a feed, its decimals, and its time in seconds.
    function getFeedById(bytes21 _feedId)
        external
        payable
        returns (uint256 _value, int8 _decimals, uint64 _timestamp);

    /// @notice The newest values of feeds, and the oldest of their times in seconds.
    function getFeedsById(bytes21[] memory _feedIds)
        external
        payable
        returns (uint256[] memory _values, int8[] memory _decimals, uint64 _timestamp);

    /// @notice The newest value of a feed with 18 decimals.
    function getFeedByIdInWei(bytes21 _feedId) external payable returns (uint256 _value, uint64 _timestamp);

    /// @notice True when the value belongs to the finalised tree of its round; reverts otherwise.
    function verifyFeedData(FeedDataWithProof calldata _feedData) external view returns (bool);
}
