"""Reconciliation: what the chain's balance says about the books."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.treasury.reconciliation import Balanced, Books, Difference, Pending, Sighting, reconcile

pytestmark = pytest.mark.unit
AMOUNTS = st.integers(0, 10**24)


def verdict(balance: int, **books: int) -> Balanced | Pending | Difference:
    return reconcile(Sighting(block=7, balance=balance, transactions=3), Books(**{"account": 100, **books}))


def test_the_last_unit_counts() -> None:
    """Exactly what is expected is balanced; one more or less is a difference of one."""
    assert verdict(100) == Balanced()
    assert verdict(101) == Difference(amount=1, reason="the chain holds more than the books")
    assert verdict(99) == Difference(amount=-1, reason="the chain holds less than the books")


def test_what_is_in_transit_is_still_on_the_chain() -> None:
    """It left the wallet's account when it was asked for, and leaves the chain when it is mined."""
    assert verdict(130, in_transit=30) == Balanced()
    assert isinstance(verdict(100, in_transit=30), Difference)


def test_what_was_booked_after_the_block_is_taken_back() -> None:
    """What left later is still there, what came later is not there yet."""
    assert verdict(130, left_later=30) == Balanced()
    assert verdict(70, came_later=30) == Balanced()


def test_a_transaction_that_is_not_booked_makes_it_pending_whatever_the_balance() -> None:
    """Even where the figures happen to agree."""
    assert isinstance(verdict(100, unbooked=1), Pending)
    assert isinstance(verdict(5, unbooked=2), Pending)
    assert "2 transactions" in verdict(5, unbooked=2).reason


@pytest.mark.parametrize(("balance", "pending"), [(101, True), (130, True), (131, False), (99, False)])
def test_what_is_arriving_explains_no_more_than_itself(balance: int, pending: bool) -> None:
    """Up to its amount the surplus may be it; a unit beyond, or any unit missing, is a difference."""
    assert isinstance(verdict(balance, arriving=30), Pending) is pending


@pytest.mark.parametrize(
    ("balance", "found"),
    [
        (130, (Pending, False)),
        (131, (Pending, True)),
        (137, (Pending, True)),
        (138, (Difference,)),
        (99, (Difference,)),
    ],
)
def test_what_is_expected_from_outside_explains_no_more_than_itself(balance: int, found: tuple[object, ...]) -> None:
    """On top of what comes from other wallets; it is said that only that explains it."""
    told = verdict(balance, arriving=30, awaited=7)

    assert found == (type(told), *([told.is_awaited] if isinstance(told, Pending) else []))


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, st.integers(-(10**24), 10**24))
def test_every_unexplained_unit_is_told(
    account: int, in_transit: int, left: int, came: int, arriving: int, off: int
) -> None:
    """With nothing unbooked, the verdict is balanced at zero, and else names the whole distance."""
    books = Books(account=account, in_transit=in_transit, left_later=left, came_later=came, arriving=arriving)

    found = reconcile(Sighting(block=1, balance=books.expected + off), books)

    assert found.amount == off
    assert isinstance(found, Balanced) is (off == 0)
    assert isinstance(found, Pending) is (0 < off <= arriving)
