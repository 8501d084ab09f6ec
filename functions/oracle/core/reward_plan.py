"""Owns which work about rewards a minute asks for.

    record     every round whose next voting epoch ends in this minute, or ended in the quarter of an hour before: then
               all that its rewards follow from is on the chain
    register   the next reward epoch, while its registration is open
    sign       the rewards of the two reward epochs that ended last

Each is unique by its kind and key, so asking again adds nothing; what an outage left out is asked for by whoever needs
it (the rewards of a reward epoch need all of its rounds).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.oracle.core.epochs import Network, VotingEpoch

RECORD: Final = "oracle.record_round"
REGISTER: Final = "oracle.register"
SIGN: Final = "oracle.sign_rewards"
CLAIM: Final = "oracle.claim_rewards"
#: So long after the window closed the last block in it is served everywhere.
SETTLED_S: Final = 3
LOOKBACK: Final = timedelta(minutes=15)
ENDED_EPOCHS: Final = 2


@dataclass(frozen=True, slots=True)
class Planned:
    """One task: what it is about, and when."""

    kind: str
    business_key: str
    payload: dict[str, int]
    run_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardCalendar:
    """Where the chain stands. first_reward_epoch: the oldest with voters; first_round: of it."""

    network: Network
    reward_epoch: int
    first_reward_epoch: int
    first_round: int
    is_registration_open: bool


def plan_rewards(calendar: RewardCalendar, now: datetime, until: datetime) -> list[Planned]:
    """What to ask for at `now`; rounds as far as `until`."""
    network = calendar.network
    last = network.voting_epoch_at(until).number - 1
    first = max(network.voting_epoch_at(now - LOOKBACK).number - 2, calendar.first_round)
    planned = list(plan_records(network, range(first, last)))
    if calendar.is_registration_open:
        planned.append(_of_epoch(REGISTER, network, calendar.reward_epoch + 1, now))
    ended = range(max(calendar.reward_epoch - ENDED_EPOCHS, calendar.first_reward_epoch), calendar.reward_epoch)
    return planned + [_of_epoch(SIGN, network, reward_epoch, now) for reward_epoch in ended]


def plan_records(network: Network, rounds: Iterable[int]) -> Iterable[Planned]:
    """The records of these rounds, each when its window has closed."""
    for number in rounds:
        voting_round = network.voting_epoch(number)
        yield Planned(RECORD, f"{network.name}:{number}", {"voting_round": number}, recordable_at(voting_round))


def plan_claims(network: Network, reward_epoch: int, now: datetime) -> Planned:
    """The claims of a reward epoch whose root was accepted."""
    return _of_epoch(CLAIM, network, reward_epoch, now)


def recordable_at(voting_round: VotingEpoch) -> datetime:
    """When all that the rewards of a round follow from is on the chain."""
    return datetime.fromtimestamp(voting_round.next.end_s + SETTLED_S, UTC)


def _of_epoch(kind: str, network: Network, reward_epoch: int, now: datetime) -> Planned:
    return Planned(kind, f"{network.name}:{reward_epoch}", {"reward_epoch": reward_epoch}, now)
