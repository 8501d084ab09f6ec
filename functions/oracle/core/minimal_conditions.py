"""Owns the least that a provider must do in a reward epoch to keep its rewards.

    anchor feeds    a value within 0.5 % of the median, borders included, in 80 % of all rounds and feeds
    fast updates    80 % of the updates that its share of the signing weight lets expect; whoever has less than 0.2 %
                    of the weight is excused
    staking         80 % of the stake on nodes that were up, and a self-bond of a million (on networks with stakes)

Each condition that is not met is a strike, and costs a pass; who has fewer passes than strikes loses the rewards of the
epoch. A provider that meets all of them, with 3 million bonded and 15 million staked where there are stakes, earns a
pass, up to three.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from kernel.amounts import ONE_PPM

CLOSENESS_PPM: Final = 5_000
AVAILABILITY_PPM: Final = 800_000
UPDATES_PPM: Final = 800_000
EXCUSED_WEIGHT_PPM: Final = 2_000
UPTIME_PPM: Final = 800_000
PASSES_MAX: Final = 3
#: In the network's whole coins.
SELF_BOND_MIN: Final = 1_000_000
SELF_BOND_FOR_PASS: Final = 3_000_000
STAKE_FOR_PASS: Final = 15_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """A provider's nodes, in whole coins."""

    self_bond: int
    stake: int
    stake_with_uptime: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What a provider did in a reward epoch.

    hits: votes close to the median, of `possible` rounds times feeds. updates: its fast updates, of `all_updates`.
    weight: of `total_weight`, signing. stake: None where the network has none.
    """

    hits: int
    possible: int
    updates: int
    all_updates: int
    weight: int
    total_weight: int
    stake: Stake | None
    passes: int


class Standing(NamedTuple):
    """What follows from it: passes of the next reward epoch, and whether this one's rewards are kept."""

    anchor: bool
    fast_updates: bool
    staking: bool
    passes: int
    is_rewarded: bool


def is_close(value: int, median: int) -> bool:
    """Whether a vote counts as a hit."""
    return abs(value - median) <= abs(median) * CLOSENESS_PPM // ONE_PPM


def hits(values: Iterable[Sequence[int | None]], medians: Iterable[Sequence[int | None]]) -> int:
    """How many votes of one provider were hits: per round its values, and the medians, both in feed order."""
    return sum(
        value is not None and median is not None and is_close(value, median)
        for cast, outcome in zip(values, medians, strict=True)
        for value, median in zip(cast, outcome, strict=False)
    )


def standing(conduct: Conduct) -> Standing:
    """Whether a provider keeps its rewards."""
    stake = conduct.stake
    anchor = ONE_PPM * conduct.hits >= AVAILABILITY_PPM * conduct.possible
    fast_updates = _has_updated(conduct)
    staking = stake is None or (
        ONE_PPM * stake.stake_with_uptime >= UPTIME_PPM * stake.stake and stake.self_bond >= SELF_BOND_MIN
    )
    strikes = (anchor, fast_updates, staking).count(False)
    is_ample = stake is None or (stake.self_bond >= SELF_BOND_FOR_PASS and stake.stake >= STAKE_FOR_PASS)
    earned = strikes == 0 and is_ample
    return Standing(
        anchor=anchor,
        fast_updates=fast_updates,
        staking=staking,
        passes=min(max(conduct.passes - strikes, 0) + earned, PASSES_MAX),
        is_rewarded=conduct.passes >= strikes,
    )


def _has_updated(conduct: Conduct) -> bool:
    """The share of the weight is first rounded down to ppm, as the network's own programs do."""
    if conduct.total_weight == 0 or conduct.weight * ONE_PPM // conduct.total_weight < EXCUSED_WEIGHT_PPM:
        return True
    expected_ppm = conduct.weight * UPDATES_PPM // conduct.total_weight
    return ONE_PPM * conduct.updates >= expected_ppm * conduct.all_updates
