// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IClaimSetupManager} from "./interfaces/IClaimSetupManager.sol";
import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IRewardManager} from "./interfaces/IRewardManager.sol";

/// @title RewardManager: one pool per reward epoch, paid out against the Merkle root that the voters signed
/// @dev Locally in native coin, and only claims of the kinds DIRECT and FEE.
contract RewardManager is IRewardManager {
    /// @dev The pool of one reward epoch, in wei.
    struct Pool {
        uint128 received;
        uint128 inflation;
        uint128 claimed;
    }

    IFlareSystemsManager public immutable flareSystemsManager;
    address public immutable rewardOffersManager;
    address public immutable fastUpdateIncentiveManager;
    IClaimSetupManager public immutable claimSetupManager;

    /// @inheritdoc IRewardManager
    uint256 public immutable rewardManagerId;

    mapping(uint256 rewardEpochId => Pool) private _pools;
    mapping(bytes32 claimHash => bool) private _paid;
    Pool private _totals;

    error OnlyRewardOffersManager();
    error WrappingNotSupported();
    error ClaimOfAnother(bytes20 beneficiary);
    error ClaimTypeNotSupported(ClaimType claimType);
    error RewardEpochNotClaimable(uint24 rewardEpochId);
    error MerkleProofInvalid();
    error AlreadyClaimed(bytes32 claimHash);
    error PoolExhausted(uint24 rewardEpochId);

    /// @param manager knows the signed roots
    /// @param offersManager fills the pools
    /// @param incentiveManager fills them, too, for fast updates
    /// @param claimSetup knows who may claim for whom
    /// @param rewardManagerId_ this contract's name in signed claim counts
    constructor(
        IFlareSystemsManager manager,
        address offersManager,
        address incentiveManager,
        IClaimSetupManager claimSetup,
        uint256 rewardManagerId_
    ) {
        flareSystemsManager = manager;
        rewardOffersManager = offersManager;
        fastUpdateIncentiveManager = incentiveManager;
        claimSetupManager = claimSetup;
        rewardManagerId = rewardManagerId_;
    }

    /// @inheritdoc IRewardManager
    function receiveRewards(uint24 rewardEpochId, bool inflation) external payable {
        bool known = msg.sender == rewardOffersManager || msg.sender == fastUpdateIncentiveManager;
        if (!known) revert OnlyRewardOffersManager();
        uint128 value = uint128(msg.value);
        _pools[rewardEpochId].received += value;
        _totals.received += value;
        if (!inflation) return;
        _pools[rewardEpochId].inflation += value;
        _totals.inflation += value;
    }

    /// @inheritdoc IRewardManager
    function claim(
        address rewardOwner,
        address payable recipient,
        uint24 rewardEpochId,
        bool wrap,
        RewardClaimWithProof[] calldata proofs
    ) external returns (uint256 amountWei) {
        if (msg.sender != rewardOwner) {
            claimSetupManager.checkExecutorAndAllowedRecipient(msg.sender, rewardOwner, recipient);
        }
        if (wrap) revert WrappingNotSupported();
        for (uint256 i = 0; i < proofs.length; ++i) {
            RewardClaim calldata body = proofs[i].body;
            if (body.rewardEpochId > rewardEpochId) revert RewardEpochNotClaimable(body.rewardEpochId);
            if (body.beneficiary != bytes20(rewardOwner)) revert ClaimOfAnother(body.beneficiary);
            _settle(proofs[i]);
            amountWei += body.amount;
            emit RewardClaimed(
                rewardOwner, rewardOwner, recipient, body.rewardEpochId, body.claimType, body.amount
            );
        }
        Address.sendValue(recipient, amountWei);
    }

    /// @inheritdoc IRewardManager
    function getTotals() external view returns (uint256, uint256, uint256, uint256) {
        return (_totals.received, _totals.inflation, _totals.claimed, 0);
    }

    /// @inheritdoc IRewardManager
    function getRewardEpochTotals(uint24 rewardEpochId)
        external
        view
        returns (uint256, uint256, uint256, uint256, uint256)
    {
        Pool storage pool = _pools[rewardEpochId];
        return (pool.received, pool.inflation, 0, pool.claimed, 0);
    }

    function _settle(RewardClaimWithProof calldata proven) private {
        RewardClaim calldata body = proven.body;
        if (body.claimType > ClaimType.FEE) revert ClaimTypeNotSupported(body.claimType);
        bytes32 root = flareSystemsManager.rewardsHash(body.rewardEpochId);
        if (root == bytes32(0)) revert RewardEpochNotClaimable(body.rewardEpochId);
        bytes32 leaf = keccak256(abi.encode(body));
        if (!MerkleProof.verifyCalldata(proven.merkleProof, root, leaf)) revert MerkleProofInvalid();
        if (_paid[leaf]) revert AlreadyClaimed(leaf);
        Pool storage pool = _pools[body.rewardEpochId];
        if (pool.claimed + body.amount > pool.received) revert PoolExhausted(body.rewardEpochId);
        _paid[leaf] = true;
        pool.claimed += body.amount;
        _totals.claimed += body.amount;
    }
}
