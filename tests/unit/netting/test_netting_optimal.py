"""The optimal clearing: what is believed of a solver, and what is proved about it."""

from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.adapters.solver import propose
from functions.netting.core.bounds import POSITION_LIMIT
from functions.netting.core.netting import Reason, Royalty
from functions.netting.core.optimal import (
    ONE,
    Proposal,
    bound_of,
    certified,
    clear_chosen,
    problem_of,
    value_of,
)
from functions.netting.core.plan import Fee, Market, PendingIntent, clear_market

pytestmark = pytest.mark.unit
NOTHING = Proposal(accepted=(), prices={})
NO_FEE = Fee()


def market(*trades: tuple[str, str, str, int], royalties: dict[str, Royalty] | None = None, **funds: int) -> Market:
    """A market of (item, seller, buyer, amount) in priority order; who sells an item first owns it."""
    owners: dict[str, str] = {}
    for item, seller, _, _ in trades:
        owners.setdefault(item, seller)
    intents = [
        PendingIntent(f"{number:02d}", item, seller, buyer, amount, number, 1)
        for number, (item, seller, buyer, amount) in enumerate(trades)
    ]
    return Market(intents=intents, owners=owners, balances=funds, royalties=royalties or {})


def best_of_all(one: Market, fee: Fee) -> int:
    """The best of every choice there is."""
    ids = [intent.id for intent in one.intents]
    choices = chain.from_iterable(combinations(ids, size) for size in range(len(ids) + 1))
    return max(value for chosen in choices if (value := value_of(one, fee, chosen)) is not None)


MARKETS = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from("abcd"), st.sampled_from("abcd"), st.integers(1, 60)).filter(
        lambda trade: trade[1] != trade[2]
    ),
    min_size=1,
    max_size=7,
)
FUNDS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 80))
FEES = st.sampled_from([NO_FEE, Fee(bps=500, wallet="a"), Fee(bps=1_000, wallet="f")])


def test_a_buyer_is_funded_by_its_later_sale() -> None:
    """The rule skips what b could not pay yet; the optimum accepts both."""
    one = market(("x", "a", "b", 100), ("y", "b", "c", 100), c=100)
    cleared = clear_market(one, NO_FEE)

    found = certified(one, NO_FEE, cleared, propose(one, NO_FEE, cleared.accepted))

    assert ["01"] == cleared.accepted
    assert (200, 200) == (found.found_lamports, found.bound_lamports)


def test_ownership_is_ruled_as_ever() -> None:
    """An item is sold by who owns it when its turn comes, whatever it is worth to sell it otherwise."""
    one = market(("x", "a", "b", 1), ("x", "a", "c", 1_000), b=1, c=1_000)

    assert 1_000 == value_of(one, NO_FEE, ["01"])
    assert value_of(one, NO_FEE, ["00", "01"]) is None


def test_a_choice_that_is_not_possible_is_not_believed() -> None:
    """Without funds, with an item sold twice, with an intent that there is not; the rule's own result stands."""
    one = market(("x", "a", "b", 10), ("x", "b", "c", 20), b=10)
    cleared = clear_market(one, NO_FEE)

    for lie in (["00", "01"], ["01"], ["00", "99"]):
        assert value_of(one, NO_FEE, lie) is None
        found = certified(one, NO_FEE, cleared, Proposal(accepted=lie, prices={}))
        assert (10, frozenset({"00"})) == (found.found_lamports, found.accepted)


def test_prices_of_money_are_never_negative() -> None:
    """Or a liar could prove any bound."""
    one = market(("x", "a", "b", 10), b=10)
    lie = {name: -ONE * 1_000 for name, row in problem_of(one, NO_FEE).rows.items() if not row.is_exact}

    assert bound_of(problem_of(one, NO_FEE), lie) == 10


def test_without_prices_the_bound_is_all_that_is_asked_for() -> None:
    """Nothing proves nothing."""
    one = market(("x", "a", "b", 10), ("y", "a", "b", 20), b=10)

    assert 30 == bound_of(problem_of(one, NO_FEE), {})


def test_a_wallets_funds_bound_what_it_buys() -> None:
    """At a price of one the buyer's funds are all that its purchases can come to."""
    one = market(("x", "a", "b", 10), ("y", "a", "b", 20), b=25)

    assert 25 == bound_of(problem_of(one, NO_FEE), {("funds", "b", "paid"): ONE})


def test_no_position_reaches_the_limit() -> None:
    """Neither of who pays nor of who is paid."""
    half = POSITION_LIMIT // 2
    one = market(("x", "a", "b", half), ("y", "a", "c", half), b=half, c=half)

    assert value_of(one, NO_FEE, ["00", "01"]) is None
    assert half == value_of(one, NO_FEE, ["00"])
    assert ("funds", "a", "got") in problem_of(one, NO_FEE).rows


def test_fees_and_royalties_are_paid_by_the_seller() -> None:
    """What is left is what the seller buys with."""
    fee, royalty = Fee(bps=1_000, wallet="f"), Royalty(creator="r", bps=500)
    one = market(("x", "a", "b", 100), ("y", "c", "a", 85), ("z", "c", "a", 1), royalties={"x": royalty}, b=100)

    assert 185 == value_of(one, fee, ["00", "01"])
    assert value_of(one, fee, ["00", "01", "02"]) is None


@given(trades=MARKETS, funds=FUNDS, fee=FEES, prices=st.randoms(use_true_random=False))
@settings(max_examples=150, derandomize=True)
def test_whatever_the_prices_no_choice_exceeds_the_bound(trades, funds, fee, prices) -> None:  # type: ignore[no-untyped-def]  # hypothesis gives them
    """Of any sign and size."""
    one = market(*trades, **funds)
    told = {name: prices.randint(-90 * ONE, 90 * ONE) for name in problem_of(one, fee).rows}

    assert best_of_all(one, fee) <= bound_of(problem_of(one, fee), told)


@given(trades=MARKETS, funds=FUNDS, fee=FEES)
@settings(max_examples=60, derandomize=True)
def test_what_is_found_is_the_best_of_all_choices(trades, funds, fee) -> None:  # type: ignore[no-untyped-def]  # hypothesis gives them
    """Enclosed by the bound; the rule never does better; and it clears to what it was said to be worth."""
    one = market(*trades, **funds)
    cleared = clear_market(one, fee)

    found = certified(one, fee, cleared, propose(one, fee, cleared.accepted))

    assert best_of_all(one, fee) == found.found_lamports <= found.bound_lamports
    assert found.found_lamports >= sum(
        intent.amount_lamports for intent in one.intents if intent.id in cleared.accepted
    )
    chosen = clear_chosen(one, fee, found.accepted)
    assert chosen is not None
    assert set(chosen.accepted) == found.accepted
    assert sum(chosen.deltas.values()) == 0
    assert all(one.balances.get(wallet, 0) + delta >= 0 for wallet, delta in chosen.deltas.items())


def test_what_is_left_out_says_why() -> None:
    """What could have been sold waits; what is somebody else's does not."""
    one = market(("x", "a", "b", 5), ("x", "a", "c", 9), ("x", "b", "c", 1), ("x", "c", "a", 1), b=9, c=9)
    gone = Market(intents=one.intents, owners={}, balances={}, royalties={})
    chosen, nothing = clear_chosen(one, NO_FEE, ["01"]), clear_chosen(gone, NO_FEE, [])

    assert chosen is not None
    assert {"00": Reason.NOT_CHOSEN, "02": Reason.NOT_OWNER, "03": Reason.NOT_CHOSEN} == chosen.skipped
    assert nothing is not None
    assert {Reason.UNKNOWN_ITEM} == set(nothing.skipped.values())


def test_a_choice_that_passes_a_limit_on_the_way_is_not_settled() -> None:
    """Although its end is within: a buys for as much as it sold before."""
    most = POSITION_LIMIT - 1
    one = market(("x", "a", "b", most), ("y", "a", "c", 1), ("z", "d", "a", 1), b=most, c=1)

    assert most + 2 == value_of(one, NO_FEE, ["00", "01", "02"])
    assert clear_chosen(one, NO_FEE, ["00", "01", "02"]) is None


def test_an_empty_market_is_worth_nothing() -> None:
    """And nothing exceeds that."""
    one = market()

    assert (0, 0) == (value_of(one, NO_FEE, ()), bound_of(problem_of(one, NO_FEE), {}))
    assert NOTHING == propose(one, NO_FEE, ()) or not propose(one, NO_FEE, ()).accepted
