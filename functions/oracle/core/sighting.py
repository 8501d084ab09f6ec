"""Owns what a finished voting round shows of everybody who took part in it, or should have.

A round j is finished when voting epoch j + 2 is over: until then it may be finalised, and what came too late may come.

1. Commits and reveals: the faults of every registered voter, and of whoever sent without being registered.
2. Signatures: faults under the message that was finalised; where none was, under ours; without a result, none.
3. We ourselves, when we are not registered, whether we sent anything or not.
4. Who pays for submissions from an address that holds less than the floor.
5. Accuracy: the values of every valid reveal against the round's medians.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from functions.oracle.core.accuracy import Accuracy, accuracy, deviations
from functions.oracle.core.epochs import Network, VotingEpoch
from functions.oracle.core.feed_values import decode_integers
from functions.oracle.core.feeds import Feed
from functions.oracle.core.message import signing_digest
from functions.oracle.core.observation import Fault, Watched, signature_faults, submission_faults
from functions.oracle.core.rounds import compute_round, keeps
from functions.oracle.core.signature import Recover
from functions.oracle.core.submissions import Submission, commits_of, reveals_of
from kernel.amounts import ONE_BPS

#: After an outage of observation so many rounds are asked for at once; the minutes after it bring the others.
ROUNDS_AT_ONCE: Final = 60

#: Anybody may send for nothing but gas; of who is not registered so many are told, the smallest addresses.
STRANGERS_MAX: Final = 100


class Relayed(NamedTuple):
    """The first finalisation of a round, with the 38 bytes that were."""

    at_s: int
    message: bytes


class Registration(NamedTuple):
    """What a voter told when it registered. Addresses are lower-case; vote power delegated, and what of it counts."""

    identity: str
    delegation: str
    fee_bips: int
    delegated_wei: int
    capped_wei: int
    nodes: tuple[tuple[str, int], ...] = ()  # node id of 20 bytes, stake


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A finished round as one head of the chain shows it. Addresses are lower-case.

    first_round: of the reward epoch. submissions: of voting epochs j - 1 to j + 2. voters, registrations,
    signing_weights: in the signing policy's order. weights: submit address to the weight of its vote. message: what
    was finalised, or ours, or None without a result. balances_wei: of those that pay. ourselves: our submit address.
    finaliser: who relays for us.
    """

    voting_round: VotingEpoch
    reward_epoch: int
    first_round: int
    submissions: Sequence[Submission]
    voters: Sequence[Watched]
    registrations: Sequence[Registration]
    signing_weights: Sequence[int]
    weights: Mapping[str, int]
    feeds: Sequence[Feed]
    relayed: Relayed | None
    message: bytes | None
    balances_wei: Mapping[str, int]
    floor_wei: int
    ourselves: str
    finaliser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What it comes to, by submit address: faults of those that have any, accuracies of all that are registered.

    low: the paying addresses below the floor. our_deviations_ppm: by feed, empty where we revealed nothing valid.
    faulty_weight_bips: how much of the signing weight has a fault.
    """

    faults: Mapping[str, tuple[Fault, ...]]
    accuracies: Mapping[str, Accuracy]
    low: frozenset[str]
    our_deviations_ppm: tuple[int | None, ...]
    faulty_weight_bips: int


def finished_at_s(voting_round: VotingEpoch) -> int:
    """The first second at which nothing more can come of a round."""
    return voting_round.next.next.end_s


def rounds_to_observe(
    network: Network, first: int, now: datetime, until: datetime, *, anew: bool
) -> tuple[VotingEpoch, ...]:
    """The rounds from `first` on that are finished by `until`; anew, at the earliest from the last finished one on."""
    begins = max(first, _last_finished(network, now)) if anew else first
    last = min(_last_finished(network, until), begins + ROUNDS_AT_ONCE - 1)
    return tuple(network.voting_epoch(number) for number in range(begins, last + 1))


def _last_finished(network: Network, moment: datetime) -> int:
    return network.voting_epoch_at(moment).number - 3


def observe(sight: Sight, recover: Recover) -> Observation:
    """The round, judged."""
    number, feed_count = sight.voting_round.number, len(sight.feeds)
    commits = commits_of(sight.submissions, sight.voting_round)
    reveals = reveals_of(sight.submissions, sight.voting_round, feed_count)
    medians = [
        median.value
        for median in compute_round(
            commits, reveals, sight.weights, sight.feeds, number, frozenset(), sum(sight.weights.values())
        ).medians
    ]
    kept = {
        voter: decode_integers(reveals[voter].feed_values, feed_count)
        for voter in sight.weights
        if voter in commits and voter in reveals and keeps(commits[voter], voter, number, reveals[voter], feed_count)
    }
    faults = _faults(sight, recover)
    return Observation(
        faults=faults,
        accuracies={voter: accuracy(kept.get(voter, ()), medians) for voter in sight.weights},
        low=frozenset(payer for payer, balance_wei in sight.balances_wei.items() if balance_wei < sight.floor_wei),
        our_deviations_ppm=deviations(kept[sight.ourselves], medians) if sight.ourselves in kept else (),
        faulty_weight_bips=_weight_bips(sight, faults),
    )


def _faults(sight: Sight, recover: Recover) -> dict[str, tuple[Fault, ...]]:
    found: defaultdict[str, list[Fault]] = defaultdict(list)
    voters = [voter.submit for voter in sight.voters]
    sent = submission_faults(sight.voting_round, sight.submissions, voters, len(sight.feeds))
    if sight.ourselves not in voters:
        sent[sight.ourselves] = Fault.NOT_REGISTERED
    strangers = sorted(sent.keys() - {*voters, sight.ourselves})
    for voter in sent.keys() - {*strangers[STRANGERS_MAX:]}:
        found[voter].append(sent[voter])
    if sight.message is not None:
        at_s = sight.relayed.at_s if sight.relayed else None
        digest = signing_digest(sight.message)
        signed = signature_faults(sight.voting_round, sight.submissions, sight.voters, digest, at_s, recover)
        for voter, fault in signed.items():
            found[voter].append(fault)
    return {voter: tuple(faults) for voter, faults in found.items()}


def _weight_bips(sight: Sight, faults: Mapping[str, object]) -> int:
    total = sum(sight.signing_weights)
    faulty = sum(
        weight for voter, weight in zip(sight.voters, sight.signing_weights, strict=True) if voter.submit in faults
    )
    return faulty * ONE_BPS // total if total else 0
