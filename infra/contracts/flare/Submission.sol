// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IRandomProvider} from "./interfaces/IRandomProvider.sol";
import {IRelay} from "./interfaces/IRelay.sol";
import {ISubmission} from "./interfaces/ISubmission.sol";

/// @title Submission: calldata of any shape, from anyone, at any time; the chain only remembers who and when
/// @dev Whether a call lies in its window, and what it says, is judged off-chain from the block and the transaction.
///      True is answered once per round and method to an entitled address: validators refund such calls.
contract Submission is ISubmission {
    /// @dev What an address may still do for free, in one storage slot. usedIn holds 32 bits a method: the round of the
    ///      last free call plus one, so that zero means never.
    struct Allowance {
        uint32 grant;
        uint8 methods;
        uint128 usedIn;
    }

    /// @dev The newest grant and the newest round that somebody submitted in.
    struct Progress {
        uint32 grant;
        uint32 round;
    }

    uint256 private constant ROUND_BITS = 32;

    IFlareSystemsManager public immutable flareSystemsManager;
    IRelay public immutable relay;
    uint256 private immutable _firstVotingRoundStartTs;
    uint256 private immutable _votingEpochDurationSeconds;

    Progress private _progress;
    mapping(address submitter => Allowance) private _allowances;

    error OnlyFlareSystemsManager();

    /// @param manager grants allowances
    /// @param relay_ gives the random number
    /// @param firstVotingRoundStartTs start of round 0, in seconds
    /// @param votingEpochDurationSeconds length of a round
    constructor(
        IFlareSystemsManager manager,
        IRelay relay_,
        uint256 firstVotingRoundStartTs,
        uint256 votingEpochDurationSeconds
    ) {
        flareSystemsManager = manager;
        relay = relay_;
        _firstVotingRoundStartTs = firstVotingRoundStartTs;
        _votingEpochDurationSeconds = votingEpochDurationSeconds;
    }

    /// @inheritdoc ISubmission
    function submit1() external returns (bool) {
        return _use(0);
    }

    /// @inheritdoc ISubmission
    function submit2() external returns (bool) {
        return _use(1);
    }

    /// @inheritdoc ISubmission
    function submit3() external returns (bool) {
        return _use(2);
    }

    /// @inheritdoc ISubmission
    function submitSignatures() external returns (bool) {
        return _use(3);
    }

    /// @inheritdoc ISubmission
    /// @dev Locally one grant lasts: it renews itself every round, and the one before it stays good as well, so that
    ///      the voters of the running reward epoch keep theirs while the next epoch is prepared.
    function initNewVotingRound(
        address[] memory submit1Addresses,
        address[] memory submit2Addresses,
        address[] memory submit3Addresses,
        address[] memory submitSignaturesAddresses
    ) external {
        if (msg.sender != address(flareSystemsManager)) revert OnlyFlareSystemsManager();
        uint32 grant = ++_progress.grant;
        _grant(grant, submit1Addresses, 0);
        _grant(grant, submit2Addresses, 1);
        _grant(grant, submit3Addresses, 2);
        _grant(grant, submitSignaturesAddresses, 3);
    }

    /// @inheritdoc IRandomProvider
    function getCurrentRandom() external view returns (uint256 number) {
        (number,,) = relay.getRandomNumber();
    }

    /// @inheritdoc IRandomProvider
    function getCurrentRandomWithQuality() external view returns (uint256 number, bool secure) {
        (number, secure,) = relay.getRandomNumber();
    }

    /// @inheritdoc IRandomProvider
    function getCurrentRandomWithQualityAndTimestamp()
        external
        view
        returns (uint256 number, bool secure, uint256 timestamp)
    {
        return relay.getRandomNumber();
    }

    function _grant(uint32 grant, address[] memory addresses, uint256 method) private {
        for (uint256 i = 0; i < addresses.length; ++i) {
            Allowance storage allowance = _allowances[addresses[i]];
            if (allowance.grant != grant) {
                allowance.grant = grant;
                allowance.methods = 0;
            }
            allowance.methods |= uint8(1 << method);
        }
    }

    function _use(uint256 method) private returns (bool) {
        uint32 round = uint32((block.timestamp - _firstVotingRoundStartTs) / _votingEpochDurationSeconds);
        Progress memory progress = _progress;
        if (round > progress.round) {
            _progress.round = round;
            emit NewVotingRoundInitiated();
        }
        Allowance memory allowance = _allowances[msg.sender];
        if (allowance.grant == 0 || progress.grant - allowance.grant > 1) return false;
        if (allowance.methods & uint8(1 << method) == 0) return false;
        uint128 shift = uint128(method * ROUND_BITS);
        if (uint32(allowance.usedIn >> shift) > round) return false;
        uint128 others = allowance.usedIn & ~(uint128(type(uint32).max) << shift);
        _allowances[msg.sender].usedIn = others | (uint128(round + 1) << shift);
        return true;
    }
}
