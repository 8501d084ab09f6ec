// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFtsoFeedPublisher} from "./interfaces/IFtsoFeedPublisher.sol";
import {IFtsoV2} from "./interfaces/IFtsoV2.sol";
import {IRelay} from "./interfaces/IRelay.sol";

/// @title FtsoV2: proofs of feed values, and the newest published ones
/// @dev Locally there are no fast updates: a feed's newest value is the newest one published with its proof.
contract FtsoV2 is IFtsoV2 {
    uint256 private constant WEI_DECIMALS = 18;

    IRelay public immutable relay;
    IFtsoFeedPublisher public immutable feedPublisher;

    error FeedHasNoValue(bytes21 feedId);

    /// @param relay_ keeps the roots
    /// @param publisher keeps published values
    constructor(IRelay relay_, IFtsoFeedPublisher publisher) {
        relay = relay_;
        feedPublisher = publisher;
    }

    /// @inheritdoc IFtsoV2
    function verifyFeedData(FeedDataWithProof calldata feedData) external view returns (bool) {
        bytes32 root = relay.merkleRoots(feedPublisher.ftsoProtocolId(), feedData.body.votingRoundId);
        bool proven = root != bytes32(0)
            && MerkleProof.verifyCalldata(feedData.proof, root, keccak256(abi.encode(feedData.body)));
        // The published contract answers with this string, not with a selector.
        require(proven, "merkle proof invalid");
        return true;
    }

    /// @inheritdoc IFtsoV2
    function getFtsoProtocolId() external view returns (uint256) {
        return feedPublisher.ftsoProtocolId();
    }

    /// @inheritdoc IFtsoV2
    function getFeedsById(bytes21[] memory feedIds)
        external
        payable
        returns (uint256[] memory values, int8[] memory decimals, uint64 timestamp)
    {
        values = new uint256[](feedIds.length);
        decimals = new int8[](feedIds.length);
        timestamp = type(uint64).max;
        for (uint256 i = 0; i < feedIds.length; ++i) {
            uint64 time;
            (values[i], decimals[i], time) = getFeedById(feedIds[i]);
            if (time < timestamp) timestamp = time;
        }
    }

    /// @inheritdoc IFtsoV2
    function getFeedByIdInWei(bytes21 feedId) external payable returns (uint256 value, uint64 timestamp) {
        int8 decimals;
        (value, decimals, timestamp) = getFeedById(feedId);
        int256 shift = int256(WEI_DECIMALS) - decimals;
        value = shift >= 0 ? value * 10 ** uint256(shift) : value / 10 ** uint256(-shift);
    }

    /// @inheritdoc IFtsoV2
    function getFeedById(bytes21 feedId)
        public
        payable
        returns (uint256 value, int8 decimals, uint64 timestamp)
    {
        IFtsoFeedPublisher.Feed memory feed = feedPublisher.getCurrentFeed(feedId);
        // A feed without votes is published with the value zero.
        if (feed.value <= 0) revert FeedHasNoValue(feedId);
        (,, uint256 end) = relay.getRandomNumberHistorical(feed.votingRoundId);
        return (uint256(uint32(feed.value)), feed.decimals, SafeCast.toUint64(end));
    }
}
