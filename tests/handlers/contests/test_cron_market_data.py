"""cron_market_data: a minute in, its four looks at prices out."""

import json
from pathlib import Path

import pytest

from functions.contests.cron_market_data import handler
from infra.local.tokens.server import TokenServer
from tests.handlers.contests.market_stage import Context, MarketStage

pytestmark = pytest.mark.handlers
TICK = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))


def test_four_looks_a_minute_are_planned_once(database_url: str, tokens: TokenServer) -> None:
    """Every fifteen seconds, by delayed messages, however often the schedule fires."""
    with MarketStage.open(database_url, tokens) as stage:
        for _ in range(2):
            handler.bind(stage.deps)(TICK, Context())

        rows = stage.rows("select run_at, kind from kernel.tasks order by run_at")
        first = rows[0]["run_at"]
        assert [0.0, 15.0, 30.0, 45.0] == [(row["run_at"] - first).total_seconds() for row in rows]
        assert {"contests.refresh_market"} == {row["kind"] for row in rows}
