"""Fast updates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.fast_updates import ONE, accuracy_shares, decode_deltas, encode_deltas, updated

pytestmark = pytest.mark.unit

#: 1 + 2**-13, the precision of Flare's feeds.
SCALE = ONE + (ONE >> 13)


def test_deltas_are_two_bits_each_from_the_highest_on() -> None:
    """01 11 00 10: up, down, unchanged, and what nobody should send."""
    assert (1, -1, 0, 0) == decode_deltas(bytes([0b01110010]), 4)


def test_what_is_not_told_is_unchanged_and_what_is_too_much_is_not_read() -> None:
    """A vector may be cut; the last byte has room for four."""
    assert (1, 1, 1, 1, 0, 0) == decode_deltas(bytes([0b01010101]), 6)
    assert (1, 1) == decode_deltas(bytes([0b01010101]), 2)
    assert (0, 0) == decode_deltas(b"", 2)


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=80))
def test_deltas_come_back(steps: list[int]) -> None:
    """Of any number of feeds."""
    assert tuple(steps) == decode_deltas(encode_deltas(steps), len(steps))


def test_a_step_of_two_is_none() -> None:
    """A feed moves by one step an update."""
    with pytest.raises(ValueError, match="step"):
        encode_deltas([2])


def test_a_feed_moves_by_the_scale_rounded_down() -> None:
    """Up by 2**-13, down by as much of itself; both are floors."""
    assert [81_930, 81_920, 81_910] == updated([81_920] * 3, [1, 0, -1], SCALE)
    assert [8_191] == updated([8_191], [1], SCALE)
    assert [8_190] == updated([8_191], [-1], SCALE)


@given(st.integers(1, 2**29), st.integers(1, 40))
def test_as_often_up_as_down_leads_no_higher(feed: int, times: int) -> None:
    """Rounding down can only lose, and no more than a unit a step."""
    there = feed
    for _ in range(times):
        (there,) = updated([there], [1], SCALE)
    back = there
    for _ in range(times):
        (back,) = updated([back], [-1], SCALE)

    assert feed - 2 * times <= back <= feed <= there


UPDATERS = ["0xa", "0xb", "0xa"]


def test_each_update_earns_the_same_and_the_first_the_remainder() -> None:
    """Two of three updates are one provider's."""
    assert {"0xa": 67, "0xb": 34} == accuracy_shares(101, UPDATERS, (1_000, 2), (1_000, 2), 5_000)


@pytest.mark.parametrize(("decimals", "values"), [(3, (9_949, 9_950, 10_050, 10_051)), (1, (99, 100, 100, 101))])
def test_the_bands_borders_are_inside(decimals: int, values: tuple[int, ...]) -> None:
    """Half a percent of 10.00 is 0.05, whether the feed has more decimals than the median or fewer."""
    inside = [accuracy_shares(3, UPDATERS, (value, decimals), (1_000, 2), 5_000) != {} for value in values]

    assert [False, True, True, False] == inside


def test_without_updates_or_without_a_median_nothing_is_earned() -> None:
    """It is burnt."""
    assert {} == accuracy_shares(3, [], (1_000, 2), (1_000, 2), 5_000)
    assert {} == accuracy_shares(3, UPDATERS, (1_000, 2), (None, 2), 5_000)


@given(st.integers(0, 10**24), st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_the_whole_pool_is_earned(pool: int, updaters: list[str]) -> None:
    """To the unit."""
    assert pool == sum(accuracy_shares(pool, updaters, (5, 0), (5, 0), 0).values())
