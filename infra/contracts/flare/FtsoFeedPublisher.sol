// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IFtsoFeedPublisher} from "./interfaces/IFtsoFeedPublisher.sol";
import {IRelay} from "./interfaces/IRelay.sol";

/// @title FtsoFeedPublisher: proven feed values, the newest and a ring of older ones
contract FtsoFeedPublisher is IFtsoFeedPublisher {
    IRelay public immutable relay;

    /// @inheritdoc IFtsoFeedPublisher
    uint8 public immutable ftsoProtocolId;

    /// @inheritdoc IFtsoFeedPublisher
    uint256 public immutable feedsHistorySize;

    mapping(bytes21 feedId => Feed) private _newest;
    mapping(bytes21 feedId => mapping(uint256 position => Feed)) private _history;

    error FeedNotPublished(bytes21 feedId);

    /// @param relay_ keeps the roots
    /// @param protocolId whose roots count
    /// @param historySize how many rounds of a feed are kept
    constructor(IRelay relay_, uint8 protocolId, uint256 historySize) {
        relay = relay_;
        ftsoProtocolId = protocolId;
        feedsHistorySize = historySize;
    }

    /// @inheritdoc IFtsoFeedPublisher
    function publish(FeedWithProof[] calldata proofs) external {
        for (uint256 i = 0; i < proofs.length; ++i) {
            Feed calldata feed = proofs[i].body;
            bytes32 root = relay.merkleRoots(ftsoProtocolId, feed.votingRoundId);
            bool proven = root != bytes32(0)
                && MerkleProof.verifyCalldata(proofs[i].merkleProof, root, keccak256(abi.encode(feed)));
            require(proven, "merkle proof invalid");
            _store(feed);
        }
    }

    /// @inheritdoc IFtsoFeedPublisher
    function getCurrentFeed(bytes21 feedId) external view returns (Feed memory feed) {
        feed = _newest[feedId];
        if (feed.id != feedId || feedId == bytes21(0)) revert FeedNotPublished(feedId);
    }

    /// @inheritdoc IFtsoFeedPublisher
    function getFeed(bytes21 feedId, uint256 votingRoundId) external view returns (Feed memory feed) {
        feed = _history[feedId][votingRoundId % feedsHistorySize];
        if (feed.id != feedId || feed.votingRoundId != votingRoundId) revert FeedNotPublished(feedId);
    }

    function _store(Feed calldata feed) private {
        Feed storage slot = _history[feed.id][feed.votingRoundId % feedsHistorySize];
        bool newest = _newest[feed.id].id == bytes21(0) || feed.votingRoundId > _newest[feed.id].votingRoundId;
        bool newer = slot.id == bytes21(0) || feed.votingRoundId > slot.votingRoundId;
        if (newest) _newest[feed.id] = feed;
        if (!newer) return;
        _history[feed.id][feed.votingRoundId % feedsHistorySize] = feed;
        emit FtsoFeedPublished(feed.votingRoundId, feed.id, feed.value, feed.turnoutBIPS, feed.decimals);
    }
}
