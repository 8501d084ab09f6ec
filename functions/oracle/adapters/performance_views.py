"""The documents of performance: amounts are text, shares in ppm, accuracy against the rounds' medians."""

from datetime import datetime
from typing import Final

from functions.oracle.adapters.performance import Observed, Record, Row, Told
from kernel.amounts import ONE_PPM
from kernel.errors import NotFound
from kernel.handler.http import Document

ADDRESS: Final = r"^0x[0-9a-fA-F]{40}$"
PAGE_MAX: Final = 50
NUMBER_MAX: Final = 2**32 - 1
#: Of the values of a reward epoch, that must be close to the median (core/minimal_conditions.py).
AVAILABILITY_PPM: Final = 800_000


class RoundUnobserved(NotFound):
    """This voting round was not observed."""

    cause = "It is not finished yet (two epochs after its own), or this provider was not running."
    remedy = "Ask for it after its second next voting epoch, or for a later round."


class Accuracy(Document):
    """Values close to the median (within 0.5 %), of all rounds and feeds; how far votes were from it on average."""

    hits: int
    possible: int
    availability_ppm: int
    votes: int
    mean_deviation_ppm: int | None


class Conditions(Document):
    """The minimal conditions: of values by what was observed so far, the others once the rewards are computed.

    `is_rewarded`: whether the rewards are kept. `passes`: left for the next reward epoch.
    """

    is_available: bool
    fast_updates: int | None
    all_fast_updates: int | None
    passes: int | None
    is_rewarded: bool | None


class Delegation(Document):
    """Vote power delegated to the voter when it registered, its share of all, and its growth in a reward epoch."""

    delegated_wei: str
    counted_wei: str
    share_ppm: int
    growth_ppm: int | None
    fee_bips: int
    signing_weight: int
    signing_share_ppm: int


class Rewards(Document):
    """What the voter earned before fees and penalties, and its share of what all did.

    A penalty is taken from claims as far as they go, so it may be more than was earned. `claimable_wei` is told of us
    alone.
    """

    state: str
    earned_wei: str
    penalty_wei: str
    share_ppm: int | None
    claimable_wei: str | None
    claimed_at: datetime | None


class EpochPerformance(Document):
    """One reward epoch of a voter; parts are null where it was not registered, or nothing is computed yet."""

    reward_epoch: int
    first_round: int
    rounds_observed: int
    rounds_finalised: int
    voter: str
    is_registered: bool
    faulty_rounds: int
    faults: dict[str, int]
    faults_of_all: dict[str, int]
    accuracy: Accuracy | None
    conditions: Conditions | None
    delegation: Delegation | None
    rewards: Rewards | None


class StandingAlarm(Document):
    """What needs a person, and since when."""

    alarm: str
    since: datetime


class PerformancePage(Document):
    """Reward epochs, the newest first; `next_cursor` continues them."""

    newest_round: int | None
    alarms: list[StandingAlarm]
    reward_epochs: list[EpochPerformance]
    next_cursor: int | None


class FaultView(Document):
    """What a voter, or who takes itself for one, did wrong."""

    voter: str
    fault: str
    is_ours: bool


class RoundFaults(Document):
    """A round as the chain showed it; `finalised_at` is null where nobody finalised it.

    Ours: how many values were close to the medians (null: we are not registered), and how far each was from its median,
    in ppm of it, above 0 where the value was above (null: one of the two is missing).
    """

    voting_round: int
    reward_epoch: int
    finalised_at: datetime | None
    read_at_block: int
    faults: list[FaultView]
    our_hits: int | None
    our_possible: int | None
    our_deviations_ppm: dict[str, int | None]


def round_faults(number: int, observed: Observed | None) -> RoundFaults:
    """The answer for a round. Raises RoundUnobserved."""
    if observed is None:
        raise RoundUnobserved(voting_round=number)
    return RoundFaults(
        voting_round=number,
        reward_epoch=observed.round["reward_epoch"],
        finalised_at=observed.round["finalised_at"],
        read_at_block=observed.round["read_at_block"],
        faults=[
            FaultView(voter=row["submit_address"], fault=row["fault"], is_ours=row["is_ours"])
            for row in observed.faults
        ],
        our_hits=observed.round["our_hits"],
        our_possible=observed.round["our_possible"],
        # Feeds that nobody remembered have no names here.
        our_deviations_ppm=dict(zip(observed.round["symbols"], observed.round["our_deviations_ppm"], strict=False)),
    )


def page(told: Told) -> PerformancePage:
    """The answer."""
    return PerformancePage(
        newest_round=told.newest_round,
        alarms=[StandingAlarm(alarm=row["alarm"], since=row["since"]) for row in told.alarms],
        reward_epochs=[_epoch(record) for record in told.records],
        next_cursor=told.records[-1].epoch["reward_epoch"] if told.has_more else None,
    )


def _epoch(record: Record) -> EpochPerformance:
    epoch, conduct = record.epoch, record.conduct
    return EpochPerformance(
        reward_epoch=epoch["reward_epoch"],
        first_round=epoch["first_round"],
        rounds_observed=epoch["rounds"],
        rounds_finalised=epoch["finalised"],
        voter=record.voter,
        is_registered=conduct is not None,
        faulty_rounds=conduct["faulty_rounds"] if conduct else 0,
        faults={row["fault"]: int(row["of_one"]) for row in record.faults if row["of_one"]},
        faults_of_all={row["fault"]: int(row["of_all"]) for row in record.faults},
        accuracy=_accuracy(conduct) if conduct else None,
        conditions=_conditions(conduct, record.rewards) if conduct else None,
        delegation=_delegation(conduct, record.before) if conduct else None,
        rewards=_rewards(record.rewards) if record.rewards else None,
    )


def _accuracy(conduct: Row) -> Accuracy:
    votes = conduct["votes"]
    return Accuracy(
        hits=conduct["hits"],
        possible=conduct["possible"],
        availability_ppm=_ppm(conduct["hits"], conduct["possible"]) or 0,
        votes=votes,
        mean_deviation_ppm=int(conduct["deviation_ppm"]) // votes if votes else None,
    )


def _conditions(conduct: Row, rewards: Row | None) -> Conditions:
    return Conditions(
        is_available=conduct["hits"] * ONE_PPM >= conduct["possible"] * AVAILABILITY_PPM,
        fast_updates=rewards and rewards["updates"],
        all_fast_updates=rewards and rewards["all_updates"],
        passes=rewards and rewards["passes"],
        is_rewarded=rewards and rewards["is_rewarded"],
    )


def _delegation(conduct: Row, before: Row | None) -> Delegation:
    delegated_wei = int(conduct["delegated_wei"])
    grown_wei = delegated_wei - int(before["delegated_wei"]) if before else None
    return Delegation(
        delegated_wei=str(delegated_wei),
        counted_wei=str(int(conduct["capped_wei"])),
        share_ppm=_ppm(delegated_wei, conduct["all_delegated_wei"]) or 0,
        growth_ppm=None if before is None or grown_wei is None else _ppm(grown_wei, before["delegated_wei"]),
        fee_bips=conduct["fee_bips"],
        signing_weight=conduct["signing_weight"],
        signing_share_ppm=_ppm(conduct["signing_weight"], conduct["all_signing_weight"]) or 0,
    )


def _rewards(rewards: Row) -> Rewards:
    earned_wei = int(rewards["earned_wei"])
    return Rewards(
        state=rewards["state"],
        earned_wei=str(earned_wei),
        penalty_wei=str(int(rewards["penalty_wei"])),
        share_ppm=_ppm(earned_wei, rewards["all_earned_wei"]),
        claimable_wei=str(int(rewards["ours_wei"])) if rewards["is_ours"] else None,
        claimed_at=rewards["claimed_at"] if rewards["is_ours"] else None,
    )


def _ppm(part: int, whole: int) -> int | None:
    """Rounded towards zero; None of nothing."""
    part, whole = int(part), int(whole)
    if whole == 0:
        return None
    return part * ONE_PPM // whole if part >= 0 else -(-part * ONE_PPM // whole)
