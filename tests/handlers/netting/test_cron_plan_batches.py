"""cron_plan_batches: two nettings a minute, each asked for once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.netting.cron_plan_batches import handler
from tests.integration.netting.floor import Context, Floor

pytestmark = pytest.mark.handlers


def test_a_minute_has_two_nettings(database_url: str) -> None:
    """At its beginning and in its middle; the same tick again asks for nothing."""
    tick = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))
    tick["time"] = "2026-11-21T12:00:00Z"
    with Floor.open(database_url) as floor:
        for _ in range(2):
            assert {"status": "done"} == handler.bind(floor.deps)(tick, Context())
        rows = floor.rows(
            "select business_key, run_at from kernel.tasks where kind = 'netting.net_batch' order by run_at"
        )

    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    slots = [(f"netting:net:{int(noon.timestamp()) + s}", noon.replace(second=s)) for s in (0, 30)]
    assert slots == [(row["business_key"], row["run_at"]) for row in rows]
