"""What contests come to: portfolios built anew from their trades, results, and the pool."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.evaluation import (
    Played,
    PortfolioUnexplained,
    Side,
    Traded,
    last_known,
    prizes,
    replayed,
    require_explained,
    result,
    standings,
)
from functions.contests.core.portfolio import Portfolio, Position, Token
from kernel import base58

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STAKE = 1_000_000
GOLD, SALT = "gold", "salt"
FIRST: Mapping[str, Token] = {GOLD: Token(3, 2_000), SALT: Token(0, 7)}
A, B, C = (base58.encode(bytes([n]) * 32) for n in (1, 2, 3))


def trade(side: Side, mint: str, quantity: int, price: int, second: int = 0) -> Traded:
    """One at a price."""
    token = replace(FIRST[mint], price=price)
    return Traded(side=side, mint=mint, quantity=quantity, token=token, at=NOW + timedelta(seconds=second))


def played(wallet: str, trades: list[Traded], *, snapshots: int = 0) -> Played:
    """An entrant who put all into gold."""
    portfolio = replayed(STAKE, {GOLD: 10_000}, FIRST, trades)
    return Played(wallet=wallet, portfolio=portfolio, snapshots_in_profit=snapshots)


def test_a_portfolio_is_its_weights_and_its_trades_in_order() -> None:
    """The stake at the first prices, then each trade at its own: to the unit."""
    trades = [trade(Side.SELL, GOLD, 100_000, 3_000, 1), trade(Side.BUY, SALT, 10, 9)]

    made = replayed(STAKE, {GOLD: 5_000, SALT: 5_000}, FIRST, trades)

    assert {GOLD: Position(150_000, 300_000), SALT: Position(71_438, 499_996 + 90)} == made.positions
    assert (4 + 300_000 - 90, 100_000) == (made.cash, made.record.profit)
    assert NOW + timedelta(seconds=1) == made.record.first_profit_at


def test_a_portfolio_that_no_trade_explains_is_found_out() -> None:
    """Be it by one unit of cash, of a position, or of the record."""
    made = played(A, []).portfolio
    changed = [
        replace(made, cash=made.cash + 1),
        replace(made, positions={GOLD: Position(500_001, STAKE)}),
        replace(made, record=replace(made.record, profit=1)),
    ]

    require_explained(A, made, played(A, []).portfolio)
    for stored in changed:
        with pytest.raises(PortfolioUnexplained):
            require_explained(A, stored, made)


def test_a_result_is_what_the_standings_compare() -> None:
    """Value at the last prices; realised profit, also a loss; 15 seconds a snapshot above the stake."""
    trades = [trade(Side.SELL, GOLD, 100_000, 3_000, 5), trade(Side.SELL, GOLD, 100_000, 500, 6)]

    reached = result(played(A, trades, snapshots=3), {GOLD: Token(3, 4_000)})

    assert (350_000 + 1_200_000, 500_000, 1, -25_000, 100_000, 45, NOW + timedelta(seconds=5), -50_000) == (
        reached.balance,
        reached.win_rate,
        reached.profitable_trades,
        reached.average_profit,
        reached.biggest_win,
        reached.time_in_profit,
        reached.first_profit_at,
        reached.profit,
    )


def test_a_tie_is_decided_by_what_was_realised() -> None:
    """Equal balances: who has won a trade is before who has not traded, and an earlier win before a later one."""
    late, early = ([trade(Side.SELL, GOLD, 100_000, 3_000, second)] for second in (9, 3))
    everybody = [played(C, []), played(B, late), played(A, early)]

    ranked = standings(everybody, {GOLD: Token(3, 3_000)})

    assert [A, B, C] == [one.wallet for one in ranked]
    assert 1 == len({one.balance for one in ranked})


@given(
    pool=st.integers(0, 10**16),
    shares=st.lists(st.integers(0, 3_000), max_size=4),
    rake=st.integers(0, 10_000),
    entrants=st.integers(0, 6),
)
def test_payouts_rake_and_dust_are_the_pool_of_any_contest(
    pool: int, shares: list[int], rake: int, entrants: int
) -> None:
    """Whatever is split, to the lamport."""
    parts = prizes(pool, shares, rake, entrants)

    assert pool == sum(parts.payouts) + parts.rake + parts.dust


def test_the_last_price_that_is_known_is_the_lower_one() -> None:
    """Of the newest snapshot's and of a trade's since: whoever makes a price go away gains nothing by it."""
    dear, cheap = Token(3, 2_000), Token(3, 1_999)

    assert (dear, cheap, cheap) == (last_known(None, dear), last_known(dear, cheap), last_known(cheap, dear))


def test_everybody_is_valued_at_one_instants_prices() -> None:
    """A token without a price values nobody."""
    with pytest.raises(KeyError):
        standings(
            [Played(wallet=A, portfolio=Portfolio(cash=0, positions={SALT: Position(1, 1)}), snapshots_in_profit=0)], {}
        )
