"""An order's life in the books: everything cancels out in each asset, and profit is what the world gave us."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.books import (
    EARNED,
    EXCHANGED,
    FEES,
    MESSAGES,
    NEGATIVE,
    OUTSIDE,
    Line,
    Profit,
    claimed,
    closed,
    found,
    given_up,
    lost,
    owed,
    paid,
    share,
    total,
)
from functions.bridge.core.order import Deposit
from tests.unit.bridge.orders import DEPOSIT

pytestmark = pytest.mark.unit

L1, L2 = "evm:1:native", "evm:324:native"
WALLET_L2 = "bridge:wallet:0x00000000000000000000000000000000000000B0"
WEI = st.integers(0, 10**24)


def deposit(amount_wei: int = 1_000, fee_wei: int = 10) -> Deposit:
    return replace(DEPOSIT, amount_wei=amount_wei, fee_wei=fee_wei)


def books(*postings: Iterable[Line]) -> Counter[tuple[str, str]]:
    """What each account holds after them."""
    held: Counter[tuple[str, str]] = Counter()
    for lines in postings:
        for line in lines:
            held[line.account, line.asset] += line.amount
    return held


def held(*postings: Iterable[Line]) -> dict[tuple[str, str], int]:
    return {place: amount for place, amount in books(*postings).items() if amount}


def test_a_payment_is_owed_by_its_origin() -> None:
    """What went to the world comes back from the escrow."""
    assert {(OUTSIDE, L1): -1_000, ("bridge:owed:zksync", L1): 1_000} == held(paid(deposit(), L1))


def test_a_claim_costs_what_its_message_costs() -> None:
    """And nothing where the message is free."""
    assert {(OUTSIDE, L1): -7, (MESSAGES, L1): 7} == held(claimed(7, L1))
    assert () == claimed(0, L1)


def test_an_order_that_is_closed_moves_ether_to_the_origin() -> None:
    """Nothing is owed any more; the amount is exchanged, the fee is earned, both come to the wallet on the origin."""
    after = held(paid(deposit(), L1), closed(deposit(), L1, L2, WALLET_L2))

    assert {
        (OUTSIDE, L1): -1_000,
        (EXCHANGED, L1): 1_000,
        (EXCHANGED, L2): -1_000,
        (EARNED, L2): -10,
        (WALLET_L2, L2): 1_010,
    } == after


def test_a_deposit_that_is_gone_is_lost_until_it_is_found() -> None:
    """A loss has an account of its own, and goes back the way it came."""
    assert {(OUTSIDE, L1): -1_000, (lost("zksync"), L1): 1_000} == held(paid(deposit(), L1), given_up(deposit(), L1))
    assert held(paid(deposit(), L1)) == held(paid(deposit(), L1), given_up(deposit(), L1), found(deposit(), L1))


def test_a_closed_order_without_a_fee_posts_no_empty_line() -> None:
    """The ledger takes no posting of nothing."""
    assert all(line.amount for line in closed(deposit(fee_wei=0), L1, L2, WALLET_L2))


@given(amount_wei=WEI.filter(bool), fee_wei=WEI, message_wei=WEI)
def test_every_step_cancels_out_in_each_asset(amount_wei: int, fee_wei: int, message_wei: int) -> None:
    """And only what may be negative is."""
    one = deposit(amount_wei, fee_wei)
    steps = [paid(one, L1), claimed(message_wei, L1), given_up(one, L1), found(one, L1), closed(one, L1, L2, WALLET_L2)]

    for lines in steps:
        for asset in (L1, L2):
            assert 0 == sum(line.amount for line in lines if line.asset == asset)
    assert {account for (account, _), amount in books(*steps).items() if amount < 0} <= NEGATIVE


@given(amount_wei=WEI.filter(bool), fee_wei=WEI, message_wei=WEI, gas_wei=WEI)
def test_profit_is_what_both_wallets_have_more(amount_wei: int, fee_wei: int, message_wei: int, gas_wei: int) -> None:
    """One wei is one wei on both chains: what came in there, less what went out here."""
    one = deposit(amount_wei, fee_wei)
    after = books(paid(one, L1), claimed(message_wei, L1), closed(one, L1, L2, WALLET_L2))
    profit = Profit(
        earned_wei=-after[EARNED, L2],
        gas_wei=gas_wei,
        messages_wei=after[MESSAGES, L1],
        lost_wei=after[lost("zksync"), L1],
    )

    assert after[WALLET_L2, L2] - (amount_wei + message_wei + gas_wei) == profit.profit_wei
    assert 0 == after[owed("zksync"), L1]


def test_a_loss_takes_the_amount_from_the_profit() -> None:
    """What is lost was ours."""
    assert -1_013 == Profit(earned_wei=0, gas_wei=10, messages_wei=3, lost_wei=1_000).profit_wei


@given(cost=WEI, parts=st.integers(1, 40))
def test_shares_of_a_cost_are_even_and_add_up(cost: int, parts: int) -> None:
    """No wei of a claim of several orders is nobody's, and the first orders bear the remainder."""
    shares = [share(cost, nth, parts) for nth in range(parts)]

    assert cost == sum(shares)
    assert sorted(shares, reverse=True) == shares
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("ordinal", [-1, 3])
def test_there_is_no_share_beside_the_parts(ordinal: int) -> None:
    """A share that nobody has is a mistake of the caller's."""
    with pytest.raises(ValueError, match="no part"):
        share(10, ordinal, 3)


def test_the_whole_profit_is_the_sum_of_all() -> None:
    """Each part by itself."""
    one = Profit(earned_wei=10, gas_wei=1, messages_wei=2, lost_wei=3)
    other = Profit(earned_wei=20, gas_wei=4, messages_wei=5, lost_wei=6)

    assert Profit(earned_wei=30, gas_wei=5, messages_wei=7, lost_wei=9) == total(iter([one, other]))


def test_gas_is_booked_where_the_treasury_books_it() -> None:
    """The account that the treasury gives to the bridge's wallets."""
    assert "bridge:fees" == FEES
