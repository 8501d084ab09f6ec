// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IFastUpdater} from "./interfaces/IFastUpdater.sol";
import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IVoterRegistry} from "./interfaces/IVoterRegistry.sol";

/// @title FastUpdater: voters move feeds by steps of one scale up or down
/// @dev Locally whoever is registered may update at any time: there is no sortition. The owner states the feeds.
contract FastUpdater is IFastUpdater, Ownable {
    uint256 private constant ONE = 1 << 127;
    /// @notice One step, with 127 bits behind the point: 1 + 2^-13.
    uint256 public constant SCALE = ONE + (ONE >> 13);
    uint256 private constant UP = 1;
    uint256 private constant DOWN = 3;

    IFlareSystemsManager public immutable flareSystemsManager;
    IVoterRegistry public immutable voterRegistry;

    uint256[] private _feeds;
    int8[] private _decimals;
    uint32 private _toldBefore;

    error LengthsDiffer();
    error SignatureInvalid(address signer);

    /// @param governance states feeds
    /// @param manager knows the epochs
    /// @param registry knows the voters
    constructor(address governance, IFlareSystemsManager manager, IVoterRegistry registry) Ownable(governance) {
        flareSystemsManager = manager;
        voterRegistry = registry;
    }

    /// @notice States the feeds anew; local.
    function setFeeds(uint256[] calldata feeds, int8[] calldata decimals) external onlyOwner {
        if (feeds.length != decimals.length) revert LengthsDiffer();
        _feeds = feeds;
        _decimals = decimals;
    }

    /// @inheritdoc IFastUpdater
    /// @dev The signature is of EIP-191 of sha256(abi.encode(sortition block, credential, deltas)).
    function submitUpdates(FastUpdates calldata updates) external {
        tellFeeds();
        bytes32 signed = sha256(abi.encode(updates.sortitionBlock, updates.sortitionCredential, updates.deltas));
        Signature calldata signature = updates.signature;
        address signer = ECDSA.recover(
            MessageHashUtils.toEthSignedMessageHash(signed), signature.v, signature.r, signature.s
        );
        uint24 rewardEpochId = flareSystemsManager.getCurrentRewardEpochId();
        (address voter,) = voterRegistry.getVoterWithNormalisedWeight(rewardEpochId, signer);
        if (voter == address(0)) revert SignatureInvalid(signer);
        for (uint256 i = 0; i < _feeds.length && i < updates.deltas.length * 4; ++i) {
            uint256 code = (uint8(updates.deltas[i / 4]) >> (6 - 2 * (i % 4))) & 3;
            if (code == UP) _feeds[i] = _feeds[i] * SCALE / ONE;
            if (code == DOWN) _feeds[i] = _feeds[i] * ONE / SCALE;
        }
        emit FastUpdateFeedsSubmitted(flareSystemsManager.getCurrentVotingEpochId(), signer);
    }

    /// @notice Tells the feeds as the voting epoch before this one ended, once; the live network's daemon calls it.
    function tellFeeds() public {
        uint32 epoch = flareSystemsManager.getCurrentVotingEpochId();
        if (epoch == _toldBefore) return;
        _toldBefore = epoch;
        emit FastUpdateFeeds(epoch - 1, _feeds, _decimals);
    }

    /// @notice The feeds as they stand; local.
    function currentFeeds() external view returns (uint256[] memory, int8[] memory) {
        return (_feeds, _decimals);
    }
}
