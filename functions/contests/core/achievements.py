"""Owns achievements: five tiers in each of seven fields, the experience that they give, and levels.

What somebody has reached follows from totals that only grow, so it is computed anew each time; what is given once is
each (field, tier), by its key.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Final


class Tier(StrEnum):
    """From the lowest on."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"
    DIAMOND = "diamond"


class Field(StrEnum):
    """What is counted. Profit and volume in whole units of the quote currency."""

    CONTESTS_ENTERED = "contests_entered"
    CONTESTS_WON = "contests_won"
    CONSECUTIVE_WINS = "consecutive_wins"
    TOTAL_PROFIT = "total_profit"
    VOLUME = "volume"
    TOKENS_TRADED = "tokens_traded"
    REFERRALS = "referrals"


EXPERIENCE: Final[Mapping[Tier, int]] = {
    Tier.BRONZE: 100,
    Tier.SILVER: 250,
    Tier.GOLD: 500,
    Tier.PLATINUM: 1_000,
    Tier.DIAMOND: 2_500,
}
THRESHOLDS: Final[Mapping[Field, tuple[int, ...]]] = {
    Field.CONTESTS_ENTERED: (1, 5, 25, 100, 500),
    Field.CONTESTS_WON: (1, 3, 10, 25, 100),
    Field.CONSECUTIVE_WINS: (2, 3, 5, 7, 10),
    Field.TOTAL_PROFIT: (100, 1_000, 10_000, 100_000, 1_000_000),
    Field.VOLUME: (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    Field.TOKENS_TRADED: (5, 20, 50, 100, 200),
    Field.REFERRALS: (1, 5, 25, 100, 500),
}
LEVELS: Final = (
    (0, "novice"),
    (1_000, "apprentice"),
    (5_000, "journeyman"),
    (15_000, "expert"),
    (50_000, "master"),
    (150_000, "grandmaster"),
    (500_000, "legend"),
)
PARTICIPATION: Final = 100
PODIUM: Final = (1_000, 500, 250)


def reached(totals: Mapping[Field, int]) -> list[tuple[Field, Tier]]:
    """Every tier that the totals reach, field by field, from the lowest on. A field that is left out counts zero."""
    return [
        (field, tier)
        for field in Field
        for tier, least in zip(Tier, THRESHOLDS[field], strict=True)
        if totals.get(field, 0) >= least
    ]


def longest_streak(wins: Sequence[bool]) -> int:
    """How many contests in a row were won at the most, given each one's outcome in the order in which they ended."""
    return max((len(list(run)) for won, run in groupby(wins) if won), default=0)


def experience_of(tiers: Iterable[Tier]) -> int:
    """What tiers give, together."""
    return sum(EXPERIENCE[tier] for tier in tiers)


def experience_of_contest(place: int) -> int:
    """What a contest gives to whoever ended at a place, the first being 1."""
    return PARTICIPATION + (PODIUM[place - 1] if 1 <= place <= len(PODIUM) else 0)


def level(experience: int) -> str:
    """The name of the level."""
    return LEVELS[bisect_right(LEVELS, experience, key=lambda one: one[0]) - 1][1]
