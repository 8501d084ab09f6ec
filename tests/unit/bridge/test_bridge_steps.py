"""The tasks of orders: a claim never looks before those have committed who asked for it."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.bridge.adapters.steps import COMMITTED_WITHIN_S, claims

pytestmark = pytest.mark.unit
SLOT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("asked_s", "runs_s"), [(0, 60), (30.5, 60), (58.9, 60), (59, 120), (59.99, 120), (60, 120)])
def test_claims_gather_until_the_end_of_a_slot(asked_s: float, runs_s: int) -> None:
    """Of the next one, where the present one ends within the time that a commit takes."""
    task = claims("zksync", SLOT + timedelta(seconds=asked_s), 60)

    assert SLOT + timedelta(seconds=runs_s) == task.run_at
    assert f"bridge:zksync:claims:{int(task.run_at.timestamp()) // 60}" == task.business_key
    assert task.run_at - SLOT - timedelta(seconds=asked_s) >= timedelta(seconds=COMMITTED_WITHIN_S)
