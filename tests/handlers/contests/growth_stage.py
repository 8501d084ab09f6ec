"""Players under test: the real handlers on a real Postgres, and contests planted as their life has left them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from functions.contests import cron_referrals, http_referrals, queue_award_achievements
from functions.contests.adapters.award_steps import award_task
from functions.contests.wiring import ROLE, Deps, Settings
from kernel.auth.principal import Role
from kernel.base58 import encode
from kernel.handler.http import override_deps
from kernel.hashes import sha256
from kernel.ids import new_id
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.asgi import AsgiClient
from kernel.testing.kernel import FakedKernel
from tests.handlers.contests.market_stage import EVENT, PAYER, Context

#: A Saturday, one second before the week's end.
SATURDAY: Final = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
TICK: Final = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))
SETTINGS: Final = Settings(cluster="localnet", rpc_urls="plain:http://127.0.0.1:1", fee_payer=PAYER)
PLAYED: Final = """
    insert into contests.contests (id, name, state, fee_lamports, entrants_min, entrants_max, starts_at, ends_at,
                                   stake_micros, shares_bps, rake_bps, entrants, pool_lamports, created_at, moved_at)
    values (%(id)s, 'a duel', 'paying', 10, 2, 20000, %(start)s, %(end)s, 1000000, '{10000}', 0, %(entrants)s,
            %(entrants)s * 10, %(start)s, %(start)s)
"""
ENTERED: Final = """
    insert into contests.entries (contest_id, wallet, number, signature, lamports, slot, entered_at)
    select %(id)s, wallet, number - 1, %(id)s || '/' || wallet, 10, 1, %(at)s
    from unnest(%(wallets)s::text[]) with ordinality as entrant (wallet, number)
"""
PORTFOLIOS: Final = """
    insert into contests.portfolios (contest_id, wallet, weights_bps, volume_micros, moved_at)
    select %(id)s, wallet, '{}', %(volume)s, %(at)s from unnest(%(wallets)s::text[]) as entrant (wallet)
"""
EVALUATED: Final = """
    insert into contests.evaluations values (%(id)s, %(at)s, '{}', 0, 10, 0, 0, %(at)s)
"""
RESULTS: Final = """
    insert into contests.contest_results (contest_id, place, wallet, balance_micros, profitable_trades,
                                          time_in_profit_s, profit_micros)
    select %(id)s, place, wallet, 1000000, 0, 0, %(profit)s
    from unnest(%(wallets)s::text[]) with ordinality as placed (wallet, place)
"""


def wallet(number: int) -> str:
    """An address."""
    return encode(sha256(f"player {number}".encode()))


class GrowthStage:
    """One deployment at the end of a week."""

    def __init__(self, database_url: str) -> None:
        self.clock = FakeClock(SATURDAY)
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        self.deps = Deps(self.kernel, SETTINGS)
        self.office = Postgres(database_url)
        override_deps(http_referrals.app, self.deps)

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator["GrowthStage"]:
        """Without a player."""
        stage = cls(database_url)
        yield stage
        stage.deps.close()
        stage.office.close()

    def person(self, number: int) -> AsgiClient:
        """A player who has signed in."""
        token = self.kernel.tokens.issue(f"solana:{wallet(number)}", role=Role.VIEWER)
        return AsgiClient(http_referrals.app, headers={"Authorization": f"Bearer {token}"})

    def code(self, number: int) -> str:
        """A player's code."""
        return str(self.person(number).post("/v1/contests/referrals/codes").json()["code"])

    def click(self, code: str, *, id_: UUID | None = None, source: str = "x") -> httpx.Response:
        """A visitor's browser."""
        body = {"id": str(id_ or uuid4()), "code": code, "source": source}
        return AsgiClient(http_referrals.app).post("/v1/contests/referrals/clicks", json=body)

    def attribute(self, number: int, click: UUID | str) -> httpx.Response:
        """A player names the click that it came by."""
        return self.person(number).post("/v1/contests/referrals/attributions", json={"click": str(click)})

    def referred(self, code: str, numbers: Sequence[int], *, source: str = "x") -> None:
        """Players who came by a code, an hour between them: an address brings no more than ten in an hour."""
        self.clock.set(SATURDAY - timedelta(hours=len(numbers)))
        for number in numbers:
            click = uuid4()
            assert 200 == self.click(code, id_=click, source=source).status_code
            assert 200 == self.attribute(number, click).status_code
            self.clock.advance(3_600)

    def play(self, numbers: Sequence[int], *, profit_micros: int = 0, volume_micros: int = 0) -> UUID:
        """A contest that these players entered now, and ended in this order, the winner first."""
        id_, at, wallets = new_id(), self.clock.now(), [wallet(number) for number in numbers]
        with self.office.transaction() as tx:
            tx.execute(PLAYED, id=id_, start=at, end=at + timedelta(minutes=1), entrants=len(wallets))
            tx.execute(ENTERED, id=id_, wallets=wallets, at=at)
            tx.execute(PORTFOLIOS, id=id_, wallets=wallets, volume=volume_micros, at=at)
            tx.execute(EVALUATED, id=id_, at=at)
            tx.execute(RESULTS, id=id_, wallets=wallets, profit=profit_micros)
        return id_

    def enter(self, numbers: Sequence[int]) -> UUID:
        """The same, as the entries' commits tell it."""
        contest = self.play(numbers)
        with self.kernel.postgres.transaction() as tx:
            for number in numbers:
                self.deps.referrals.entered(tx, wallet(number), contest, self.clock.now())
        return contest

    def award(self, contest: UUID) -> str:
        """Give a contest's players what it brought; the state of the task."""
        self.deps.tasks.enqueue([award_task(contest, self.clock.now())])
        found = "select id, state from kernel.tasks where business_key = %(key)s"
        [task] = self.rows(found, key=f"contests:{contest}:award")
        body = json.dumps({"task_id": str(task["id"])})
        while task["state"] == "ready":
            queue_award_achievements.handler.bind(self.deps)({"Records": [{**EVENT, "body": body}]}, Context())
            [task] = self.rows(found, key=f"contests:{contest}:award")
        return str(task["state"])

    def count(self) -> None:
        """Five minutes have passed."""
        cron_referrals.handler.bind(self.deps)(TICK, Context())

    def experience(self, number: int) -> int:
        """What a player has; equal to what it was given."""
        with self.kernel.postgres.transaction() as tx:
            kept = self.deps.experience.of(tx, wallet(number))
        [given] = self.rows(
            "select coalesce(sum(points), 0)::integer points from contests.experience_gifts where wallet = %(wallet)s",
            wallet=wallet(number),
        )
        assert kept == given["points"]
        return kept

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the database."""
        with self.office.transaction() as tx:
            return tx.all(sql, **params)
