"""Who stands before whom."""

from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.standings import rank, shared_ranks
from kernel import base58

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Reached:
    wallet: str
    balance: int = 100
    win_rate: int | None = 50
    profitable_trades: int | None = 5
    average_profit: int | None = -3
    biggest_win: int | None = 9
    time_in_profit: int | None = 60
    first_profit_at: int | None = 1_000


def wallet(number: int) -> str:
    return base58.encode(number.to_bytes(32, "big"))


RESULTS = st.builds(
    Reached,
    wallet=st.integers(0, 2**256 - 1).map(wallet),
    balance=st.integers(0, 2),
    win_rate=st.none() | st.integers(0, 1),
    profitable_trades=st.none() | st.integers(0, 1),
    average_profit=st.none() | st.integers(-1, 1),
    biggest_win=st.none() | st.integers(0, 1),
    time_in_profit=st.none() | st.integers(0, 1),
    first_profit_at=st.none() | st.integers(0, 1),
)


FIELDS = ("balance", "win_rate", "profitable_trades", "average_profit", "biggest_win", "time_in_profit")


def reached(number: int, **changes: int | None) -> Reached:
    """An entrant like any other, but for its wallet and some fields."""
    return replace(Reached(wallet(number)), **changes)  # type: ignore[arg-type]  # a balance is never absent here


@pytest.mark.parametrize("field", FIELDS[1:])
def test_the_greater_comes_first_and_the_absent_last(field: str) -> None:
    """Even with the greater wallet; and what is absent comes after a loss."""
    better, worse, absent = reached(3, **{field: 10}), reached(2, **{field: -10}), reached(1, **{field: None})

    assert [better, worse, absent] == rank([absent, worse, better])


def test_the_earlier_first_profit_comes_first() -> None:
    """Absent ones last."""
    early, late, never = reached(3, first_profit_at=1), reached(2), reached(1, first_profit_at=None)

    assert [early, late, never] == rank([never, late, early])


@pytest.mark.parametrize("decides", range(len(FIELDS)))
def test_a_field_decides_before_all_that_come_after_it(decides: int) -> None:
    """One is better in it, the other in everything behind it."""
    one = reached(2, **{FIELDS[decides]: 1_000})
    other = reached(1, **dict.fromkeys(FIELDS[decides + 1 :], 1_000), first_profit_at=0)

    assert [one, other] == rank([other, one])


def test_between_equals_the_wallets_bytes_decide_not_their_text() -> None:
    """58**43 is written with a letter more than the number before it, and as text comes before it."""
    small, great = reached(58**43 - 1), reached(58**43)

    assert great.wallet < small.wallet
    assert [small, great] == rank([great, small])


@given(st.lists(RESULTS, max_size=12, unique_by=lambda one: one.wallet), st.randoms(use_true_random=False))
def test_the_order_is_strict_and_total(results: list[Reached], source: Random) -> None:
    """Whatever the order of arrival, one order comes out: that of tuples, which is one."""
    shuffled = list(results)
    source.shuffle(shuffled)

    assert rank(results) == rank(shuffled)
    assert sorted(results, key=slow_place) == rank(results)


def slow_place(one: Reached) -> tuple[object, ...]:
    """The rule told once more, absent values as infinities."""
    lowest, latest = -(10**9), 10**9
    greater = [-(lowest if getattr(one, name) is None else getattr(one, name)) for name in FIELDS]
    return (*greater, latest if one.first_profit_at is None else one.first_profit_at, base58.decode(one.wallet))


def test_live_ranks_are_shared() -> None:
    """One more than the number of strictly greater balances."""
    assert [2, 1, 2, 4, 5] == shared_ranks([70, 90, 70, 10, 0])
    assert [] == shared_ranks([])


@given(st.lists(st.integers(0, 5), max_size=30))
def test_a_live_rank_counts_who_has_more(balances: list[int]) -> None:
    """Counted one by one."""
    assert [1 + sum(other > one for other in balances) for one in balances] == shared_ranks(balances)
