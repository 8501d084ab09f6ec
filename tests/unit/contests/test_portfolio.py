"""What a portfolio is worth, and what its sales have brought."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.portfolio import (
    VALUE_MAX,
    WORTH_MAX,
    Portfolio,
    PortfolioUnfit,
    Position,
    Record,
    Token,
    TradeUnfit,
    opened,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STAKE = 1_000_000_000
SOL, BONK = Token(9, 150_000_000), Token(5, 21)
TOKENS = {"sol": SOL, "bonk": BONK}
prices = st.integers(1, 10**12)


@given(st.integers(0, 10**15), st.integers(1, 9_999), prices, prices, st.integers(0, 18), st.integers(0, 18))
def test_a_stake_is_worth_itself_but_for_a_unit_a_token(
    stake: int, weight: int, first: int, second: int, decimals: int, others: int
) -> None:
    """Nothing is lost, nothing comes of rounding."""
    tokens = {"a": Token(decimals, first), "b": Token(others, second)}
    portfolio = opened(stake, {"a": weight, "b": 10_000 - weight}, tokens)

    assert stake - 2 <= portfolio.value(tokens) <= stake
    assert portfolio.cash + sum(held.cost for held in portfolio.positions.values()) == stake


def test_weights_are_bought_at_the_starts_prices() -> None:
    """60 % SOL at 150, 40 % BONK at 0.000021."""
    portfolio = opened(STAKE, {"sol": 6_000, "bonk": 4_000}, TOKENS)

    assert portfolio.positions["sol"] == Position(4 * 10**9, 600_000_000)
    assert portfolio.positions["bonk"].quantity == 400_000_000 * 10**5 // 21
    assert portfolio.value(TOKENS) in (STAKE, STAKE - 1)
    assert portfolio.value({"sol": Token(9, 300_000_000), "bonk": BONK}) - portfolio.value(TOKENS) == 600_000_000


@pytest.mark.parametrize(
    "weights",
    [{}, {"sol": 9_999}, {"sol": 10_001}, {"sol": 10_001, "bonk": -1}, {"sol": 10_000, "bonk": 0}],
)
def test_weights_that_are_not_all_of_it_are_refused(weights: dict[str, int]) -> None:
    """Too little, too much, nothing, and less than nothing."""
    with pytest.raises(PortfolioUnfit):
        opened(STAKE, weights, TOKENS)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 10**9), st.integers(1, 10**6)), max_size=30),
    st.integers(0, 9),
)
def test_costs_taken_and_costs_left_are_what_was_paid(trades: list[tuple[bool, int, int]], decimals: int) -> None:
    """Cash in is cash out: stake + realised profit = cash + the cost of what is held, whatever was traded."""
    stake = 10**17  # Enough for thirty of the dearest purchases.
    portfolio = Portfolio(cash=stake, positions={})
    for buys, quantity, price in trades:
        token = Token(decimals, price)
        held = portfolio.positions.get("a", Position(0, 0)).quantity
        if buys:
            portfolio = portfolio.bought("a", quantity, token)
        elif held:
            portfolio = portfolio.sold("a", min(quantity, held), token, NOW)

    costs = sum(held.cost for held in portfolio.positions.values())
    assert portfolio.cash + costs == stake + portfolio.record.profit
    assert all(held.quantity > 0 and held.cost >= 0 for held in portfolio.positions.values())


def test_profit_is_a_loss_where_it_is_one() -> None:
    """The original's profit was always positive."""
    portfolio = opened(STAKE, {"sol": 10_000}, TOKENS)
    quantity = portfolio.positions["sol"].quantity // 2
    lost = portfolio.sold("sol", quantity, Token(9, 100_000_000), NOW)
    won = lost.sold("sol", 10**9, Token(9, 200_000_000), NOW + timedelta(seconds=1))

    assert lost.record.profit < 0
    assert (lost.record.win_rate, lost.record.biggest_win, lost.record.first_profit_at) == (0, None, None)
    assert (won.record.win_rate, won.record.profitable_trades) == (500_000, 1)
    assert won.record.biggest_win == won.record.profit - lost.record.profit == 49_999_999
    assert won.record.first_profit_at == NOW + timedelta(seconds=1)
    assert won.record.average_profit == won.record.profit // 2


def test_whoever_never_sold_has_no_rates() -> None:
    """They sort last, behind a win rate of zero."""
    record = Record()

    assert (record.win_rate, record.average_profit, record.biggest_win, record.first_profit_at) == (None,) * 4


def test_trades_are_paid_for_by_the_portfolio() -> None:
    """Nothing on credit, nothing short, nothing of nothing."""
    portfolio = opened(STAKE, {"sol": 10_000}, TOKENS)
    held = portfolio.positions["sol"].quantity

    with pytest.raises(TradeUnfit):
        portfolio.sold("sol", held + 1, SOL, NOW)
    with pytest.raises(TradeUnfit):
        portfolio.sold("bonk", 1, BONK, NOW)
    with pytest.raises(TradeUnfit):
        portfolio.bought("bonk", 10**12, BONK)
    with pytest.raises(TradeUnfit):
        portfolio.bought("bonk", 0, BONK)
    with pytest.raises(TradeUnfit):
        portfolio.sold("sol", 1, Token(9, 0), NOW)
    assert "sol" not in portfolio.sold("sol", held, SOL, NOW).positions


def test_dust_is_not_bought_for_nothing() -> None:
    """A hundred purchases of the smallest unit cost a micro-unit each."""
    whole = Portfolio(cash=STAKE, positions={}).bought("bonk", 100, BONK)
    bits = Portfolio(cash=STAKE, positions={})
    for _ in range(100):
        bits = bits.bought("bonk", 1, BONK)

    assert (STAKE - whole.cash, STAKE - bits.cash) == (1, 100)


def test_what_has_no_price_at_the_start_stays_cash() -> None:
    """Its part of the stake is not played; a price of nothing is no price either."""
    portfolio = opened(STAKE, {"sol": 6_000, "other": 4_000}, TOKENS)

    assert (400_000_000, {"sol"}) == (portfolio.cash, set(portfolio.positions))
    with pytest.raises(PortfolioUnfit):
        opened(STAKE, {"sol": 10_000}, {"sol": Token(9, 0)})


def test_a_position_is_worth_the_ceiling_at_most() -> None:
    """Whatever it costs: what is stored of a portfolio stays far below 2^63."""
    held = Portfolio(cash=5, positions={"sol": Position(2 * 10**9, 1), "bonk": Position(10**5, 1)})
    dear = {"sol": Token(9, WORTH_MAX), "bonk": BONK}

    assert WORTH_MAX == Token(9, WORTH_MAX).worth(10**9) == Token(9, WORTH_MAX).worth(10**18)
    assert WORTH_MAX - 1 == Token(9, WORTH_MAX - 1).worth(10**9)
    assert 5 + WORTH_MAX + 21 == held.value(dear)
    assert 5 + WORTH_MAX == held.sold("sol", 2 * 10**9, dear["sol"], NOW).cash
    many = Portfolio(cash=0, positions={str(n): Position(10**9, 1) for n in range(2_000)})
    assert VALUE_MAX == many.value(dict.fromkeys(many.positions, dear["sol"]))


def test_nobody_sells_for_more_than_can_be_kept() -> None:
    """Cash ends at the ceiling of a portfolio; only its owner is refused."""
    full = Portfolio(cash=VALUE_MAX - 150_000_000, positions={"sol": Position(2 * 10**9, 1)})

    assert VALUE_MAX == full.sold("sol", 10**9, SOL, NOW).cash
    with pytest.raises(TradeUnfit):
        full.sold("sol", 2 * 10**9, SOL, NOW)
