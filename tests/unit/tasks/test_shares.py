"""Fairness between kinds of tasks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.tasks.shares import fair_shares

pytestmark = pytest.mark.unit

waitings = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 1000), max_size=12)


@pytest.mark.parametrize(
    ("waiting", "places", "expected"),
    [
        ({}, 10, {}),
        ({"a": 0}, 10, {}),
        ({"a": 3}, 10, {"a": 3}),
        ({"noisy": 10_000, "quiet": 3}, 100, {"quiet": 3, "noisy": 97}),
        ({"a": 50, "b": 50, "c": 50}, 100, {"a": 33, "b": 33, "c": 34}),
        ({"a": 5, "b": 5, "c": 5}, 1, {"a": 1, "b": 1, "c": 1}),  # more kinds than places: one each
    ],
)
def test_shares_by_example(waiting: dict[str, int], places: int, expected: dict[str, int]) -> None:
    """The quiet get all they want, the noisy the rest."""
    assert fair_shares(waiting, places) == expected


@given(waitings, st.integers(1, 500))
def test_nobody_is_starved_and_nothing_is_wasted(waiting: dict[str, int], places: int) -> None:
    """Everyone who waits gets a place; no place is left while somebody waits; nobody gets more than it wants."""
    shares = fair_shares(waiting, places)
    wanting = {kind: count for kind, count in waiting.items() if count > 0}

    assert set(shares) == set(wanting)
    assert all(1 <= shares[kind] <= count for kind, count in wanting.items())
    if len(wanting) <= places:
        assert sum(shares.values()) == min(places, sum(wanting.values()))


@given(waitings, st.integers(12, 500))
def test_no_kind_has_more_than_another_that_wants_more(waiting: dict[str, int], places: int) -> None:
    """Max-min fairness: an unsatisfied kind is at most the division's remainder behind any other."""
    shares = fair_shares(waiting, places)
    unsatisfied = [kind for kind in shares if shares[kind] < waiting[kind]]

    assert all(shares[other] <= shares[kind] + 1 for kind in unsatisfied for other in shares)


def test_a_sweep_without_places_is_refused() -> None:
    """It would never end."""
    with pytest.raises(ValueError, match="at least one place"):
        fair_shares({"a": 1}, 0)
