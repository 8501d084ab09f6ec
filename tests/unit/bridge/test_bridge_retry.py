"""When a failed order is tried again, and when a person has to look at it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.retry import ATTEMPTS_MAX, CAP_S, FIRST_S, next_attempt_at
from tests.unit.bridge.orders import NOW

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [
        (1, 5),
        (2, 10),
        (3, 20),  # 5 * 2^2
        (6, 160),
        (7, 320),
        (8, 360),  # the cap: 640 would be more
        (9, 360),
    ],
)
def test_pauses_double_up_to_a_cap(attempts: int, minutes: int) -> None:
    """Five minutes first."""
    assert NOW + timedelta(minutes=minutes) == next_attempt_at(NOW, attempts)


def test_after_so_many_failures_a_person_has_to_look() -> None:
    """It is not tried again by itself."""
    assert next_attempt_at(NOW, ATTEMPTS_MAX - 1) is not None
    assert next_attempt_at(NOW, ATTEMPTS_MAX) is None
    assert next_attempt_at(NOW, ATTEMPTS_MAX + 1) is None


def test_failures_are_counted_from_one() -> None:
    """None is no failure."""
    with pytest.raises(ValueError, match="counted from 1"):
        next_attempt_at(NOW, 0)


@given(st.integers(1, ATTEMPTS_MAX - 1))
def test_no_pause_is_shorter_than_the_first_or_longer_than_the_cap(attempts: int) -> None:
    """Nor shorter than the one before."""
    pauses = [next_attempt_at(NOW, nth) for nth in range(1, attempts + 1)]

    assert pauses == sorted(pauses, key=lambda at: at or NOW)
    assert all(at and timedelta(seconds=FIRST_S) <= at - NOW <= timedelta(seconds=CAP_S) for at in pauses)
