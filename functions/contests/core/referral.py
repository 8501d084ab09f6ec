"""Owns referrals: who may be referred, weeks, and what conversions earn.

A visitor comes by somebody's code: a click. The wallet that signs in with it is referred by the code's owner, for good.
Its first verified entry makes the click a conversion. Weeks begin on Sunday at 00:00 UTC. Each tier that a referrer's
conversions of a week reach is rewarded once, by the key of referrer, week and tier.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from kernel.errors import Conflict, Invalid

#: Conversions of a week -> the tier's reward, ascending.
TIERS: Final = ((5, 10), (15, 30), (30, 60))
CLICK_LIFE: Final = timedelta(days=30)


class TimeNaive(Invalid):
    """A moment names its zone."""

    cause = "A time without a zone belongs to no week: weeks begin in UTC."
    remedy = "Send times in ISO 8601 with their offset."


class ReferralOwn(Invalid):
    """Nobody refers himself."""

    cause = "The click came by the code of the wallet that names it."
    remedy = "Send the click only for visitors who came by another one's code."


class ClickTooOld(Conflict):
    """The click is too long ago to count."""

    cause = "More than thirty days lie between it and the sign-in."
    remedy = "Leave it out; whoever enters is not referred then."


@dataclass(frozen=True, slots=True)
class Reward:
    """What one tier earned in one week."""

    week: date
    conversions: int
    reward: int

    def business_key(self, referrer: str) -> str:
        """Under which it is given once, whoever asks how often."""
        return f"contests:referral:{referrer}:{self.week}:{self.conversions}"


def require_referred(referrer: str, wallet: str, clicked_at: datetime, now: datetime) -> None:
    """Raises ReferralOwn, ClickTooOld unless a click refers a wallet to a referrer."""
    if wallet == referrer:
        raise ReferralOwn
    if now - clicked_at > CLICK_LIFE:
        raise ClickTooOld(clicked_at=clicked_at.isoformat())


def week_of(moment: datetime) -> date:
    """The Sunday on which the moment's week began. Raises TimeNaive."""
    if moment.tzinfo is None:
        raise TimeNaive
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.isoweekday() % 7)


def earned(week: date, conversions: int) -> list[Reward]:
    """The rewards of a week, one a tier that is reached."""
    return [Reward(week, least, reward) for least, reward in TIERS if conversions >= least]
