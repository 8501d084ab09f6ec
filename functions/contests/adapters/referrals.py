"""Referrals in Postgres: codes, clicks, whom they brought, and what weeks of them earn.

A click is told by the visitor's browser, under an id of its own making: told again, it is the same click. A conversion
is written by the commit of the entry that it is. So nothing that was acknowledged is lost, and nothing counts twice.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.contests.adapters.experience import Experience, Gift
from functions.contests.core.achievements import Field
from functions.contests.core.referral import earned, require_referred, week_of
from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("referrals.sql"))
#: Without those that are mistaken for others: 2^40 codes of eight letters.
ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
LETTERS: Final = 8
COUNTED_AT_ONCE: Final = 1_000


class ReferralCodeUnknown(NotFound):
    """Nobody has this referral code."""

    cause = "The link was cut or mistyped."
    remedy = "Take codes from POST /v1/contests/referrals/codes of whoever refers."


class ClickUnknown(NotFound):
    """There is no such click."""

    cause = "It was never told, or under another id."
    remedy = "Tell the click with POST /v1/contests/referrals/clicks first."


class ReferredAlready(Conflict):
    """The wallet came by another click, or the click brought another wallet."""

    cause = "A wallet is referred once, by the first click that it names; a click refers one wallet."
    remedy = "Nothing: what was said first stays."


@dataclass(frozen=True, slots=True)
class Source:
    """What one source brought in a week."""

    source: str
    clicks: int
    conversions: int


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier of a week that was rewarded, in points of experience."""

    conversions: int
    points: int
    rewarded_at: datetime


@dataclass(frozen=True, slots=True)
class Week:
    """A week of one's referrals."""

    week: date
    sources: Sequence[Source]
    rewards: Sequence[Tier]


@dataclass(frozen=True, slots=True)
class Page:
    """Some weeks, and before which the next page's are; None where these are the last."""

    weeks: Sequence[Week]
    next_before: date | None


class Referrals:
    """The tables of referrals."""

    def __init__(
        self, postgres: Postgres, experience: Experience, clock: Clock, *, at_once: int = COUNTED_AT_ONCE
    ) -> None:
        """at_once: how many conversions a commit counts."""
        self._postgres, self._experience, self._clock, self._at_once = postgres, experience, clock, at_once

    def code_of(self, wallet: str) -> str:
        """The wallet's code, which it keeps; made when it is first asked for."""
        with self._postgres.transaction() as tx:
            while (row := tx.maybe(Q["code_of"], wallet=wallet)) is None:
                code = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
                tx.maybe(Q["add_code"], code=code, wallet=wallet, now=self._clock.now())
        return str(row["code"])

    def click(self, click: UUID, code: str, source: str) -> None:
        """A visitor came by a code. Raises ReferralCodeUnknown."""
        now = self._clock.now()
        with self._postgres.transaction() as tx:
            if tx.maybe(Q["owner_of"], code=code) is None:
                raise ReferralCodeUnknown(referral=code)
            tx.execute(Q["add_click"], id=click, code=code, source=source, week=week_of(now), now=now)

    def attribute(self, click: UUID, wallet: str) -> str:
        """The code by which a wallet came. Raises ClickUnknown, ReferralOwn, ClickTooOld, ReferredAlready."""
        with self._postgres.transaction() as tx:
            found = tx.maybe(Q["click"], id=click)
            if found is None:
                raise ClickUnknown(click=str(click))
            before = tx.maybe(Q["attribution"], wallet=wallet)
            if before is None:
                now, code = self._clock.now(), found["code"]
                require_referred(found["referrer"], wallet, found["clicked_at"], now)
                tx.maybe(Q["attribute"], wallet=wallet, click=click, code=code, source=found["source"], now=now)
                before = tx.maybe(Q["attribution"], wallet=wallet)
            if before is None or before["click"] != click:
                raise ReferredAlready
        return str(before["code"])

    def entered(self, tx: Transaction, wallet: str, contest_id: UUID, at: datetime) -> None:
        """In the commit of an entry: if it is the first one of a wallet that was referred, it is a conversion."""
        tx.execute(Q["convert"], wallet=wallet, contest=contest_id, week=week_of(at), now=at)

    def count(self) -> int:
        """Count new conversions into their weeks, and reward the tiers that these reach; how many were counted."""
        with self._postgres.transaction() as tx:
            fresh = tx.all(Q["take_conversions"], now=self._clock.now(), limit=self._at_once)
            if fresh:
                self._reward(tx, sorted({(row["code"], row["week"]) for row in fresh}))
        return len(fresh)

    def page(self, wallet: str, *, before: date | None, limit: int) -> Page:
        """The weeks of a wallet's code in which something happened, the newest first, before one of them."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["code_of"], wallet=wallet)
            if row is None:
                return Page([], None)
            code = row["code"]
            weeks = [one["week"] for one in tx.all(Q["weeks"], code=code, before=before or date.max, limit=limit + 1)]
            shown = weeks[:limit]
            sources, rewards = (tx.all(Q[query], code=code, weeks=shown) for query in ("sources", "rewards"))
        return Page([_week(week, sources, rewards) for week in shown], shown[-1] if len(weeks) > limit else None)

    def _reward(self, tx: Transaction, weeks: Sequence[tuple[str, date]]) -> None:
        """Whoever counts at the same time waits here, so that one of them sees all conversions of a week."""
        codes = [code for code, _ in weeks]
        tx.all(Q["lock_codes"], codes=codes)
        counted = tx.all(Q["counted"], codes=codes, weeks=[week for _, week in weeks])
        due = [(row, reward) for row in counted for reward in earned(row["week"], row["conversions"])]
        keys = [reward.business_key(row["wallet"]) for row, reward in due]
        self._experience.give(
            tx,
            [Gift(key, row["wallet"], reward.reward) for key, (row, reward) in zip(keys, due, strict=True)],
        )
        tx.execute(
            Q["add_rewards"],
            keys=keys,
            wallets=[row["wallet"] for row, _ in due],
            codes=[row["code"] for row, _ in due],
            weeks=[reward.week for _, reward in due],
            conversions=[reward.conversions for _, reward in due],
            points=[reward.reward for _, reward in due],
            now=self._clock.now(),
        )
        totals = tx.all(Q["referred_by"], wallets=sorted({row["wallet"] for row in counted}))
        self._experience.achieve(tx, {row["wallet"]: {Field.REFERRALS: row["referrals"]} for row in totals})


def _week(week: date, sources: Sequence[Mapping[str, Any]], rewards: Sequence[Mapping[str, Any]]) -> Week:
    return Week(
        week,
        [Source(one["source"], one["clicks"], one["conversions"]) for one in sources if one["week"] == week],
        [Tier(one["conversions"], one["points"], one["rewarded_at"]) for one in rewards if one["week"] == week],
    )
