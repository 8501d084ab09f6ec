"""How long a failed task waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.tasks.backoff import CAP_S, backoff_s

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("attempt", "jitter", "expected_s"),
    [
        (1, 0.0, 0.5),  # half of 2^0
        (1, 1.0, 1.0),
        (2, 0.5, 1.5),  # three quarters of 2^1
        (4, 1.0, 8.0),
        (9, 1.0, 256.0),
        (10, 1.0, 300.0),  # 512, capped
        (1000, 0.0, 150.0),
    ],
)
def test_pauses_double_up_to_a_cap(attempt: int, jitter: float, expected_s: float) -> None:
    """1, 2, 4 ... 300 seconds, of which the upper half is scaled by the jitter."""
    assert backoff_s(attempt, jitter=jitter) == expected_s


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_pauses_never_shrink_below_half_nor_exceed_the_cap(attempt: int, low: float, high: float) -> None:
    """More jitter is never less pause, and a later attempt waits at least half of what an earlier one may."""
    low, high = sorted((low, high))

    assert 0.5 <= backoff_s(attempt, jitter=low) <= backoff_s(attempt, jitter=high) <= CAP_S
    assert backoff_s(attempt + 1, jitter=0) >= backoff_s(attempt, jitter=1) / 2


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.5), (-1, 0.5), (1, -0.1), (1, 1.1), (1, float("nan"))])
def test_nonsense_is_refused(attempt: int, jitter: float) -> None:
    """Attempts are counted from one, jitter is a share."""
    with pytest.raises(ValueError, match=r"attempts are|jitter lies"):
        backoff_s(attempt, jitter=jitter)
