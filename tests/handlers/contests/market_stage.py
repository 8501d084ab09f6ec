"""The market under test: the real handlers on a real Postgres, before a local Jupiter and a local DexScreener."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from functions.contests.adapters.market_tasks import REFRESH, SYNC, refresh_tasks, sync_tasks
from functions.contests.queue_refresh_market import handler as refresh_market
from functions.contests.queue_sync_token_list import handler as sync_token_list
from functions.contests.wiring import MARKET_ROLE, Deps, Settings
from infra.local.tokens.server import TokenServer
from kernel.postgres import Postgres
from kernel.tasks import TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

#: A full minute and a quarter: a moment at which every tier may be due.
BEGIN: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAYER, TREASURY = "11111111111111111111111111111112", "11111111111111111111111111111113"
EVENT: Final = json.loads(Path("events/netting/queue_net_batch.json").read_text(encoding="utf-8"))["Records"][0]


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 20_000


def settings_for(tokens: TokenServer, **changes: Any) -> Settings:
    """A deployment before the local sources, whose tokens the oracle decides nothing about."""
    given = {
        "cluster": "localnet",
        "rpc_urls": "plain:http://127.0.0.1:1",
        "fee_payer": PAYER,
        "treasury_address": TREASURY,
        "jupiter_url": tokens.jupiter_url,
        "dexscreener_url": tokens.dexscreener_url,
        "oracle_feeds": "{}",
    }
    return Settings(**{**given, **changes})


class MarketStage:
    """One deployment, and the clock that it shares with its sources."""

    def __init__(self, database_url: str, tokens: TokenServer, **changes: Any) -> None:
        self.sources, self.clock = tokens, FakeClock(BEGIN)
        self.kernel = FakedKernel(database_url, role=MARKET_ROLE, clock=self.clock)
        self.deps = Deps(self.kernel, settings_for(tokens, **changes))
        self.office = Postgres(database_url)
        self.at(BEGIN)

    @classmethod
    @contextmanager
    def open(cls, database_url: str, tokens: TokenServer, **changes: Any) -> Iterator["MarketStage"]:
        """Without a token."""
        stage = cls(database_url, tokens, **changes)
        yield stage
        stage.deps.close()
        stage.office.close()

    def at(self, moment: datetime) -> datetime:
        """Move everybody's clock."""
        self.clock.set(moment)
        self.sources.hold(int(moment.timestamp() * 1_000))
        return moment

    def after(self, seconds: float) -> datetime:
        """Move everybody's clock on."""
        return self.at(self.clock.now() + timedelta(seconds=seconds))

    def sync(self) -> str:
        """Look at the list now; the task's state."""
        return self._run(sync_token_list, SYNC, sync_tasks(self.clock.now())[0])

    def refresh(self) -> str:
        """Look at the prices that are due now; the task's state."""
        return self._run(refresh_market, REFRESH, refresh_tasks(self.clock.now())[0])

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the database."""
        with self.office.transaction() as tx:
            return [dict(row) for row in tx.all(sql, **params)]

    def priced(self) -> dict[str, int]:
        """The price of each token that came at this moment."""
        found = self.rows(
            "select mint, price from contests.market_data where observed_at = %(at)s", at=self.clock.now()
        )
        return {row["mint"]: int(row["price"]) for row in found}

    def told(self, mint: str) -> int:
        """What the local market has for a token now, in 10^-12 USD."""
        usd = self.sources.tokens[mint].usd(self.sources.seed, int(self.clock.time_s() * 1_000))
        return round(usd.scaleb(12))

    def list_token(self, mint: str, symbol: str = "MINE", decimals: int = 6) -> None:
        """Put a token on the list of what may be played with."""
        sql = """insert into contests.token_whitelist (id, mint, symbol, name, decimals, program, added_by, experience,
                     fee_lamports, added_at)
                 values (gen_random_uuid(), %(mint)s, %(symbol)s, %(symbol)s, %(decimals)s, 'p', 'test', 0, 0, now())"""
        with self.office.transaction() as tx:
            tx.execute(sql, mint=mint, symbol=symbol, decimals=decimals)

    def _run(self, handler: Any, kind: str, spec: TaskSpec) -> str:
        self.deps.tasks.enqueue([spec])
        where = "kind = %(kind)s and business_key = %(key)s"
        [row] = self.rows(f"select id from kernel.tasks where {where}", kind=kind, key=spec.business_key)
        record = {**EVENT, "body": json.dumps({"task_id": str(row["id"])})}
        handler.bind(self.deps)({"Records": [record]}, Context())
        [row] = self.rows(f"select state from kernel.tasks where {where}", kind=kind, key=spec.business_key)
        return str(row["state"])


def ranked(tokens: TokenServer, moment: datetime) -> Sequence[str]:
    """The mints by capitalisation, the largest first."""
    at_ms = int(moment.timestamp() * 1_000)
    caps = {mint: token.usd(tokens.seed, at_ms) * token.supply for mint, token in tokens.tokens.items()}
    return sorted(caps, key=lambda mint: (-caps[mint], mint))
