"""Gives the players of an evaluated contest what it has brought them: experience by place, and new achievements.

Some places a commit, in their order. All is given by key, so whoever dies in between leaves nothing to be given twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from functions.contests.adapters.experience import Experience, Gift
from functions.contests.core.achievements import Field, experience_of_contest, longest_streak
from kernel.clock import Clock
from kernel.postgres import Fence, Postgres, Queries, Statements
from kernel.tasks import Done, Outcome, Retry, Tasks

Q: Final = Queries.load(Path(__file__).with_name("awarding.sql"))
PLACES_AT_ONCE: Final = 500
#: Profit and volume count in whole units of the quote currency.
MICROS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Placed:
    """Who ended where."""

    place: int
    wallet: str


@dataclass(frozen=True, slots=True)
class Page:
    """Places of a contest that come next, and their wallets' totals over all contests."""

    contest_id: UUID
    placed: Sequence[Placed]
    totals: dict[str, dict[Field, int]]


class Awarding:
    """The tables of results and players."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        experience: Experience,
        clock: Clock,
        *,
        at_once: int = PLACES_AT_ONCE,
    ) -> None:
        """at_once: how many places a commit awards."""
        self._postgres, self._tasks, self._experience, self._clock = postgres, tasks, experience, clock
        self._at_once = at_once

    def look(self, contest_id: UUID) -> Page:
        """Who is next."""
        with self._postgres.transaction() as tx:
            stored = tx.maybe(Q["next_place"], contest=contest_id)
            first = 1 if stored is None else stored["next_place"]
            rows = tx.all(Q["placed"], contest=contest_id, first=first, limit=self._at_once)
            placed = [Placed(**row) for row in rows]
            return Page(contest_id, placed, _totals(tx, [one.wallet for one in placed]))

    def take(self, page: Page, *, fence: Fence) -> Outcome:
        """Give it to them."""
        with self._postgres.transaction(holding=fence) as tx:
            self._experience.give(tx, gifts_of(page))
            self._experience.achieve(tx, page.totals)
            if len(page.placed) < self._at_once:
                self._tasks.complete(tx, fence)
                return Done({"players": len(page.placed)})
            next_place = page.placed[-1].place + 1
            tx.execute(Q["go_on"], contest=page.contest_id, next=next_place, now=self._clock.now())
        return Retry(0, f"places from {next_place} on are next")


def gifts_of(page: Page) -> list[Gift]:
    """What the places of a page bring."""
    return [
        Gift(f"contests:{page.contest_id}:place:{one.wallet}", one.wallet, experience_of_contest(one.place))
        for one in page.placed
    ]


def _totals(tx: Statements, wallets: Sequence[str]) -> dict[str, dict[Field, int]]:
    totals = {
        row["wallet"]: {
            Field.CONTESTS_ENTERED: len(row["wins"]),
            Field.CONTESTS_WON: sum(row["wins"]),
            Field.CONSECUTIVE_WINS: longest_streak(row["wins"]),
            Field.TOTAL_PROFIT: max(0, int(row["profit_micros"])) // MICROS,
            Field.VOLUME: int(row["volume_micros"]) // MICROS,
        }
        for row in tx.all(Q["outcomes"], wallets=list(wallets))
    }
    for row in tx.all(Q["traded"], wallets=list(wallets)):
        totals[row["wallet"]][Field.TOKENS_TRADED] = row["tokens"]
    return totals
