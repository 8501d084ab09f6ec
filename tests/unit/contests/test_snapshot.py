"""The moments of a running contest, and what a valuation says."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.contests.core.snapshot import due_at, in_profit, leaderboard, numbers_due

pytestmark = pytest.mark.unit
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment of the contest."""
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("after", "until", "length", "numbers"),
    [
        pytest.param(0, 60, 600, [1, 2, 3, 4], id="the start's own is not among them"),
        pytest.param(-30, 30, 600, [1, 2], id="nothing before the start"),
        pytest.param(15, 45, 600, [2, 3], id="what is due now was asked for, and what is due then is"),
        pytest.param(14, 44, 600, [1, 2], id="between two"),
        pytest.param(0, 600, 60, [1, 2, 3], id="none at the end"),
        pytest.param(0, 600, 61, [1, 2, 3, 4], id="one a second before it"),
        pytest.param(60, 120, 60, [], id="none after it"),
    ],
)
def test_snapshots_are_due_every_15_seconds(after: float, until: float, length: float, numbers: list[int]) -> None:
    """From the start to before the end."""
    assert numbers == list(numbers_due(START, at(length), at(after), at(until)))
    assert [at(15 * number) for number in numbers] == [due_at(START, number) for number in numbers]


def test_who_is_above_the_stake_is_counted_on() -> None:
    """Not who is at it; who was never counted begins at nothing."""
    assert [1, 0, 0] == in_profit((), [11, 10, 9], 10)
    assert [5, 3, 1] == in_profit([4, 3, 0], [11, 10, 11], 10)


def test_the_leaderboard_shows_equals_side_by_side() -> None:
    """Best first; equals in the order of their numbers, with one rank; the next is one more than all before."""
    assert [(1, 1, 9), (1, 3, 9), (3, 0, 5), (4, 2, 0)] == leaderboard([5, 9, 0, 9])
    assert [] == leaderboard([])
