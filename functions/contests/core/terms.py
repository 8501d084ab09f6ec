"""Owns what a contest may be: when, how long, for how many, and how its pool is split."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.contests.core.contest import ENTRANTS_MIN
from functions.contests.core.prizes import split
from kernel.errors import Invalid

LENGTH_MIN: Final = timedelta(seconds=60)
LENGTH_MAX: Final = timedelta(days=31)
AHEAD_MAX: Final = timedelta(days=366)
#: Valued in one transaction every 15 seconds.
ENTRANTS_MAX: Final = 10_000
#: What everybody begins with where nobody says otherwise: 10 000 of the quote currency, in micro-units.
STAKE_MICROS: Final = 10_000_000_000


class TermsUnfit(Invalid):
    """A contest cannot be played on these terms."""

    status = 422
    cause = "It starts in the past or in over a year, lasts under a minute or over 31 days, or is for too few or many."
    remedy = "Correct the field that details name."
    example = '{"field": "starts_at"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is checked of a contest's terms."""

    starts_at: datetime
    ends_at: datetime
    entrants_min: int
    entrants_max: int
    shares_bps: Sequence[int]
    rake_bps: int


def require_fit(frame: Frame, now: datetime) -> None:
    """Raises TermsUnfit, PrizeTableUnfit."""
    if not now < frame.starts_at <= now + AHEAD_MAX:
        raise TermsUnfit(field="starts_at")
    if not LENGTH_MIN <= frame.ends_at - frame.starts_at <= LENGTH_MAX:
        raise TermsUnfit(field="ends_at")
    if not ENTRANTS_MIN <= frame.entrants_min <= frame.entrants_max <= ENTRANTS_MAX:
        raise TermsUnfit(field="entrants_min")
    split(0, frame.shares_bps, frame.rake_bps, len(frame.shares_bps))
