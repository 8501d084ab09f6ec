"""EventBridge expressions, minute by minute."""

from datetime import UTC, datetime

import pytest

from infra.local.runner.schedules import BadSchedule, Schedule

pytestmark = pytest.mark.unit


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "minute", "due"),
    [
        ("rate(1 minute)", "2026-11-20T12:34", True),
        ("rate(5 minutes)", "2026-11-20T12:35", True),
        ("rate(5 minutes)", "2026-11-20T12:36", False),
        ("rate(1 hour)", "2026-11-20T12:00", True),
        ("rate(1 hour)", "2026-11-20T12:01", False),
        ("rate(1 day)", "2026-11-20T00:00", True),
        ("cron(0 12 * * ? *)", "2026-11-20T12:00", True),
        ("cron(0 12 * * ? *)", "2026-11-20T13:00", False),
        ("cron(0/15 * * * ? *)", "2026-11-20T12:45", True),
        ("cron(0/15 * * * ? *)", "2026-11-20T12:50", False),
        ("cron(10,20 8-10 ? * MON-FRI *)", "2026-11-20T09:20", True),  # a Friday
        ("cron(10,20 8-10 ? * MON-FRI *)", "2026-11-21T09:20", False),
        ("cron(0 0 1 JAN ? 2027)", "2027-01-01T00:00", True),
        ("cron(0 0 ? * 1 *)", "2026-11-22T00:00", True),  # 1 is Sunday
    ],
)
def test_schedule_is_due(expression: str, minute: str, due: bool) -> None:
    """Which minutes an expression fires in."""
    assert due == Schedule.parse(expression).due(at(minute))


@pytest.mark.parametrize(
    "expression",
    ["rate(1 second)", "rate(minute)", "cron(* * * *)", "cron(61 * * * ? *)", "cron(0 0 L * ? *)", "@daily"],
)
def test_bad_schedule_is_refused(expression: str) -> None:
    """What EventBridge would refuse, or the runner does not know."""
    with pytest.raises(BadSchedule, match="is neither rate"):
        Schedule.parse(expression)
