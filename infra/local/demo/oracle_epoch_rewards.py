"""The rewards of the oracle's whole show, reckoned by the scene: from what it has read of the chain, for its rounds.

The rules are the bundle's own (`core/reward_epoch.py`); what they are applied to is gathered here once more.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.message import decode_protocol_message
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.relay import decode_relay
from functions.oracle.core.reward_epoch import EpochRewards, RewardRound, RewardVoter, epoch_rewards
from functions.oracle.core.reward_rules import rules_of
from functions.oracle.core.reward_terms import FeedTerms, Terms
from functions.oracle.core.signing_rewards import Deposit, Finalisation
from functions.oracle.core.submissions import deposits_of
from infra.local.demo.oracle_epoch_rounds import PlayedRound, Rounds
from kernel.hashes import keccak256

#: So many rounds after the last one may be needed until a random number is secure.
LOOKAHEAD: Final = 30


def rewards_of(rounds: Rounds, reward_epoch: int, shown: range) -> EpochRewards | None:
    """The rewards of a reward epoch; None while no round after it has a secure random number."""
    played = [one for number in shown if (one := rounds.of(number)) is not None]
    randoms = randoms_of(rounds, shown)
    if not any(number > shown[-1] and random.is_secure for number, random in randoms.items()):
        return None
    roll = played[0].roll
    rules = rounds.record.network.rules
    feeds = tuple(
        FeedTerms(
            feed_id=feed.id,
            decimals=feed.decimals,
            min_turnout_bips=rules.min_rewarded_turnout_bips,
            primary_share_ppm=rules.primary_band_share_ppm,
            secondary_band_ppm=feed.secondary_band_ppm,
        )
        for feed in rounds.record.network.inflation_feeds
    )
    terms = Terms(
        reward_epoch=reward_epoch,
        first_round=shown[0],
        last_round=shown[-1],
        offered_wei=rules.inflation_wei,
        feeds=feeds,
    )
    rows = zip(roll.providers, roll.weights.items(), roll.policy.weights, strict=True)
    voters = [
        RewardVoter(provider=provider, submit=submit, weight=weight, median_weight=median_weight)
        for provider, (submit, median_weight), weight in rows
    ]
    records = {one.voting_round: _record(rounds, one) for one in played}
    return epoch_rewards(terms, voters, roll.policy, records, randoms, rules_of(rounds.record.calendar), {})


def randoms_of(rounds: Rounds, shown: range) -> dict[int, RoundRandom]:
    """The random numbers of the rounds and those after them, as far as there are any."""
    results = {number: rounds.of(number) for number in range(shown[0], shown[-1] + LOOKAHEAD + 1)}
    return {
        number: RoundRandom(played.result.random, played.result.is_secure_random)
        for number, played in results.items()
        if played is not None and played.result.random is not None
    }


def _record(rounds: Rounds, played: PlayedRound) -> RewardRound:
    assert played.message is not None and played.result.random is not None
    positions: Mapping[str, int] = {voter.name: place for place, voter in enumerate(played.roll.voters)}
    finalisations = tuple(_finalisations(rounds, played, played.message))
    return RewardRound(
        voting_round=played.voting_round,
        random=RoundRandom(played.result.random, played.result.is_secure_random),
        votes={positions[name]: encode_integers(values) for name, values in played.values.items()},
        offenders=played.result.offenders,
        deposits=tuple(_deposits(rounds, played, played.message)),
        finalisations=finalisations,
        finalised_hash=keccak256(played.message) if any(one.has_changed for one in finalisations) else None,
    )


def _deposits(rounds: Rounds, played: PlayedRound, message: bytes) -> Iterator[Deposit]:
    """When each voter first deposited a signature of the result; nobody in the cast signs anything else."""
    epoch = rounds.record.epoch(played.voting_round)
    signers = {place for place, _ in rounds.signatures(played)}
    for place, voter in enumerate(played.roll.voters):
        sent = [
            one
            for one in rounds.record.seen.submissions
            if one.sender == voter.submit_signatures.address.lower()
            and epoch.next.reveal_deadline_s <= one.block_time_s < epoch.next.end_s
            and deposits_of([one], epoch)
        ]
        if place in signers and sent:
            yield Deposit(place, keccak256(message), sent[0].block_time_s - epoch.next.start_s)


def _finalisations(rounds: Rounds, played: PlayedRound, message: bytes) -> Iterator[Finalisation]:
    epoch = rounds.record.epoch(played.voting_round).next
    for call in rounds.record.seen.relayed:
        said = decode_relay(call.calldata)
        if said is None or not epoch.reveal_deadline_s <= call.block_time_s < epoch.end_s:
            continue
        if said.message == message and decode_protocol_message(said.message).voting_round == played.voting_round:
            yield Finalisation(call.sender, call.block_time_s - epoch.start_s, call.has_changed)
