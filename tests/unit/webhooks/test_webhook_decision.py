"""What an attempt means: for the delivery, and for its endpoint."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.webhooks.decision import LONG_FAILURE, SCHEDULE_S, Reason, Ruling, Standing, State, pause_after, rule

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FRESH = Standing(attempts=0, failures=0, failing_since=None)


def ruled(standing: Standing, status: int | None, asked_s: int = 0, jitter: float = 0.0) -> Ruling:
    return rule(standing, status, asked_s, NOW, jitter=jitter)


def failed(attempts: int, *, since: timedelta | None = timedelta(hours=1), failures: int = 1) -> Standing:
    return Standing(attempts=attempts, failures=failures, failing_since=NOW - since if since else None)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_taken(status: int) -> None:
    """However often it failed before."""
    assert Ruling(state=State.DELIVERED) == ruled(failed(len(SCHEDULE_S), since=LONG_FAILURE), status)


@pytest.mark.parametrize("status", [None, 100, 103, 199, 300, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    """A redirect, too: following it would lead where nobody looked."""
    assert (State.PENDING, 5.0, None) == (
        (ruling := ruled(FRESH, status)).state,
        ruling.after_s,
        ruling.disable,
    )


def test_gone_is_believed_at_once() -> None:
    """It is how a receiver says that it wants no more."""
    assert Ruling(state=State.FAILED, disable=Reason.GONE) == ruled(FRESH, 410)


def test_ten_attempts_in_three_days() -> None:
    """Then it is over."""
    waits = []
    for attempts in range(20):
        ruling = ruled(failed(attempts), 500)
        if ruling.state is State.FAILED:
            break
        waits.append(ruling.after_s)

    assert [float(one) for one in SCHEDULE_S] == waits
    assert (9, timedelta(hours=75, minutes=35, seconds=5)) == (len(waits), LONG_FAILURE)


@pytest.mark.parametrize(
    ("since", "disable"),
    [(LONG_FAILURE, Reason.FAILING), (LONG_FAILURE - timedelta(seconds=1), None), (None, None)],
    ids=["nothing got through", "something got through since", "it was well just now"],
)
def test_an_endpoint_is_disabled_when_nothing_got_through_for_the_whole_time(
    since: timedelta | None, disable: Reason | None
) -> None:
    """A receiver that refuses one message and takes the others stays."""
    assert (State.FAILED, disable) == (
        (ruling := ruled(failed(len(SCHEDULE_S), since=since), 500)).state,
        ruling.disable,
    )


def test_a_long_failure_alone_disables_nothing() -> None:
    """A delivery that has attempts left is tried first: the receiver may be back."""
    assert (State.PENDING, None) == ((ruling := ruled(failed(0, since=LONG_FAILURE * 2), 500)).state, ruling.disable)


@pytest.mark.parametrize(
    ("status", "asked_s", "after_s"),
    [(429, 60, 60.0), (503, 60, 60.0), (429, 1, 5.0), (429, 10**6, 86_400.0), (500, 60, 5.0), (200 + 103, 60, 5.0)],
)
def test_a_busy_receiver_says_when_to_come_again(status: int, asked_s: int, after_s: float) -> None:
    """Up to a day, and never sooner than planned; other answers have no say."""
    assert after_s == ruled(FRESH, status, asked_s).after_s


def test_deliveries_that_failed_together_do_not_come_back_together() -> None:
    """Up to a sixth more is chance."""
    assert (300.0, 350.0) == (ruled(failed(1), 500).after_s, ruled(failed(1), 500, jitter=1.0).after_s)


def test_an_endpoint_that_fails_in_a_row_is_left_alone() -> None:
    """From the fifth time on, doubling up to five minutes."""
    pauses = [ruled(failed(0, failures=before), None).pause_s for before in range(13)]

    assert [0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300] == pauses


@given(st.integers(min_value=0, max_value=2**40))
def test_a_pause_has_a_bound(failures: int) -> None:
    """However long it lasts; and no number grows beyond reason on the way."""
    assert 0.0 <= pause_after(failures) <= 300.0
