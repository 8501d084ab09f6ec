"""Owns the documents of referrals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from kernel.handler.http import Document

if TYPE_CHECKING:
    from functions.contests.adapters.referrals import Week

CODE: Final = "^[a-z2-9]{8}$"


class CodeView(Document):
    """A referral code, which goes into a link."""

    code: str = Field(examples=["duel4fun"])
    wallet: str


class ClickBody(Document):
    """A visitor who came by a code. `id` is made by the visitor's browser: the same again is the same click."""

    id: UUID
    code: str = Field(pattern=CODE, examples=["duel4fun"])
    source: str = Field(pattern="^[A-Za-z0-9._-]{1,50}$", description="Where the link stood.", examples=["newsletter"])


class ClickView(Document):
    """A click that is stored."""

    id: UUID


class AttributionBody(Document):
    """The click that a wallet came by."""

    click: UUID


class AttributionView(Document):
    """By whose code a wallet came, for good."""

    wallet: str
    code: str


class SourceView(Document):
    """What a source brought in a week."""

    source: str
    clicks: int
    conversions: int


class RewardView(Document):
    """A tier that a week has reached, in points of experience."""

    conversions: int
    points: int
    rewarded_at: AwareDatetime


class WeekView(Document):
    """A week from Sunday 00:00 UTC on."""

    week: date
    sources: list[SourceView]
    rewards: list[RewardView]


class WeeksPage(Document):
    """Weeks, the newest first; `next_before` asks for those before."""

    weeks: list[WeekView]
    next_before: Annotated[date | None, Field(description="Send it as `before` for the weeks before; null at the end.")]


def weeks_page(weeks: Sequence[Week], next_before: date | None) -> WeeksPage:
    """A page of one's weeks."""
    return WeeksPage(weeks=[_week(week) for week in weeks], next_before=next_before)


def _week(week: Week) -> WeekView:
    return WeekView(
        week=week.week,
        sources=[SourceView(source=one.source, clicks=one.clicks, conversions=one.conversions) for one in week.sources],
        rewards=[
            RewardView(conversions=one.conversions, points=one.points, rewarded_at=one.rewarded_at)
            for one in week.rewards
        ],
    )
