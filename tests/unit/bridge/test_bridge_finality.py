"""How deep a deposit must lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.finality import FINALIZED, FLOOR, Depth, FinalityTooWeak, Rule, checked, missing, required

pytestmark = pytest.mark.unit


def rule(value: int | None, confirmations: int | None) -> Rule:
    """Up to so many dollars, so many confirmations."""
    return Rule(value_max_usd_cents=None if value is None else value * 100, confirmations=confirmations)


@pytest.mark.parametrize(
    ("cents", "confirmations"),
    [(0, 2), (100_00, 2), (100_01, 4), (1_000_00, 4), (1_000_01, 32), (10_000_00, 32), (10_000_01, FINALIZED)],
)
def test_the_floor_asks_for_more_the_more_is_at_stake(cents: int, confirmations: int | None) -> None:
    """Each limit belongs to the smaller orders."""
    assert confirmations == required(cents, FLOOR)


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_more_value_never_needs_less(one: int, another: int) -> None:
    """The origin's own finality is more than any number."""
    small, large = sorted((one, another))
    weak, strong = required(small, FLOOR), required(large, FLOOR)

    assert strong is FINALIZED or (weak is not None and weak <= strong)


@pytest.mark.parametrize(
    "table",
    [
        FLOOR,
        (rule(None, FINALIZED),),
        (rule(50, 2), rule(1_000, 10), rule(None, FINALIZED)),
        (rule(20_000, FINALIZED), rule(None, FINALIZED)),
    ],
)
def test_a_stricter_table_is_taken(table: tuple[Rule, ...]) -> None:
    """Other limits, more confirmations."""
    assert table == checked(table)


@pytest.mark.parametrize(
    "table",
    [
        (),
        (rule(100, 2),),
        (rule(100, 1), rule(None, FINALIZED)),
        (rule(101, 2), rule(None, FINALIZED)),
        (rule(None, 1_000),),
        (rule(None, FINALIZED), rule(None, FINALIZED)),
        (rule(1_000, 4), rule(100, 2), rule(None, FINALIZED)),
        (rule(100, 2), rule(100, 4), rule(None, FINALIZED)),
    ],
)
def test_a_weaker_table_is_refused(table: tuple[Rule, ...]) -> None:
    """Too few confirmations anywhere, an end that is not open or not final, values that do not ascend."""
    with pytest.raises(FinalityTooWeak):
        checked(table)


@pytest.mark.parametrize(
    ("depth", "needed", "blocks"),
    [
        (Depth(confirmations=1, finalized=False), 4, 3),
        (Depth(confirmations=4, finalized=False), 4, 0),
        (Depth(confirmations=9, finalized=False), 4, 0),
        (Depth(confirmations=9, finalized=False), FINALIZED, None),
        (Depth(confirmations=1, finalized=True), 4, 0),
        (Depth(confirmations=1, finalized=True), FINALIZED, 0),
    ],
)
def test_how_many_blocks_are_missing(depth: Depth, needed: int | None, blocks: int | None) -> None:
    """None where only the origin's own finality helps."""
    assert blocks == missing(depth, needed)
