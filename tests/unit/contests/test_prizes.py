"""The split of a pool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.prizes import DEFAULT_RAKE_BPS, DEFAULT_SHARES_BPS, PrizeSplit, PrizeTableUnfit, split

pytestmark = pytest.mark.unit

SOL = 10**9


@st.composite
def tables(draw: st.DrawFn) -> list[int]:
    """Shares that add up to at most all of it."""
    left, shares = 10_000, []
    for _ in range(draw(st.integers(0, 8))):
        shares.append(draw(st.integers(0, left)))
        left -= shares[-1]
    return shares


def test_the_default_table() -> None:
    """Of 10 SOL a tenth is rake; 69, 20 and 11 % of the rest are prizes."""
    expected = PrizeSplit([6_210_000_000, 1_800_000_000, 990_000_000], SOL, 0)

    assert expected == split(10 * SOL, DEFAULT_SHARES_BPS, DEFAULT_RAKE_BPS, 50)


def test_missing_places_are_spread_in_proportion() -> None:
    """Two entrants share as 69 to 20; one gets all of it."""
    assert PrizeSplit([6_977_528_089, 2_022_471_910], SOL, 1) == split(10 * SOL, DEFAULT_SHARES_BPS, 1_000, 2)
    assert PrizeSplit([9 * SOL], SOL, 0) == split(10 * SOL, DEFAULT_SHARES_BPS, 1_000, 1)


def test_an_incomplete_table_leaves_the_rest_as_dust() -> None:
    """Also where places are missing: the entrant gets what the table gives away, not more."""
    assert PrizeSplit([500, 300], 0, 200) == split(1_000, [5_000, 3_000], 0, 9)
    assert PrizeSplit([800], 0, 200) == split(1_000, [5_000, 3_000], 0, 1)


def test_without_an_entrant_all_is_dust() -> None:
    """Nobody pays rake for a contest that was none."""
    assert PrizeSplit([], 0, 1_000) == split(1_000, DEFAULT_SHARES_BPS, 1_000, 0)


def test_places_without_a_share_are_paid_nothing() -> None:
    """And a table of nothing but zeros pays nobody."""
    assert PrizeSplit([0, 1_000], 0, 0) == split(1_000, [0, 10_000], 0, 2)
    assert PrizeSplit([0], 0, 1_000) == split(1_000, [0, 10_000], 0, 1)


@pytest.mark.parametrize(
    ("pool", "shares", "rake", "entrants"),
    [
        (-1, [1], 0, 1),
        (1, [-1], 0, 1),
        (1, [5_000, 5_001], 0, 1),
        (1, [1], 10_001, 1),
        (1, [1], -1, 1),
        (1, [1], 0, -1),
    ],
)
def test_what_is_no_table_is_refused(pool: int, shares: list[int], rake: int, entrants: int) -> None:
    """Nothing below nothing, nothing above all."""
    with pytest.raises(PrizeTableUnfit):
        split(pool, shares, rake, entrants)


@given(st.integers(0, 10**18), tables(), st.integers(0, 10_000), st.integers(0, 12))
def test_payouts_rake_and_dust_are_the_pool(pool: int, shares: list[int], rake: int, entrants: int) -> None:
    """Whatever pool, table and entrants; and nobody is paid less than nothing."""
    found = split(pool, shares, rake, entrants)

    assert pool == sum(found.payouts) + found.rake + found.dust
    assert min([*found.payouts, found.rake, found.dust]) >= 0
    assert len(found.payouts) == min(entrants, len(shares))


@given(st.integers(0, 10**18), tables(), st.integers(0, 10_000), st.integers(1, 12))
def test_a_missing_place_makes_no_other_poorer(pool: int, shares: list[int], rake: int, entrants: int) -> None:
    """And what the table gives away is given, but for less than a lamport a place."""
    few, many = split(pool, shares, rake, entrants), split(pool, shares, rake, len(shares) + 1)

    assert all(more >= less for more, less in zip(few.payouts, many.payouts, strict=False))
    assert not any(shares[:entrants]) or few.dust - many.dust <= len(shares)
