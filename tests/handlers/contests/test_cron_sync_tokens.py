"""cron_sync_tokens: a minute in, its two looks at the list of tokens out."""

import itertools
import json
from pathlib import Path

import pytest

from functions.contests.cron_sync_tokens import handler
from infra.local.tokens.server import TokenServer
from tests.handlers.contests.market_stage import Context, MarketStage

pytestmark = pytest.mark.handlers
TICK = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))


def test_two_looks_a_minute_are_planned_once(database_url: str, tokens: TokenServer) -> None:
    """Half a minute apart, however often the schedule fires; each is pointless once the next is due."""
    with MarketStage.open(database_url, tokens) as stage:
        for _ in range(2):
            handler.bind(stage.deps)(TICK, Context())

        rows = stage.rows("select business_key, run_at, expires_at from kernel.tasks order by run_at")
        moments = [row["run_at"] for row in rows]
        assert [30.0] == [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
        assert [f"contests:tokens:{int(moment.timestamp())}" for moment in moments] == [
            row["business_key"] for row in rows
        ]
        assert moments[1] == rows[0]["expires_at"]
