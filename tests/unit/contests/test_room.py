"""How many tokens one entrant may hold, and how often one may trade."""

import pytest

from functions.contests.core.room import (
    POSITIONS_MAX,
    TRADES_MAX,
    PositionsFull,
    TradesFull,
    require_room,
    require_trade_left,
)

pytestmark = pytest.mark.unit


def test_a_portfolio_holds_fifty_tokens() -> None:
    """More of what it holds is bought at any number."""
    full = {f"token {n}" for n in range(POSITIONS_MAX)}
    require_room(full, "token 0")
    require_room(full - {"token 0"}, "another")

    assert 50 == POSITIONS_MAX
    with pytest.raises(PositionsFull):
        require_room(full, "another")


def test_an_entrant_trades_ten_thousand_times() -> None:
    """The last of them is made."""
    require_trade_left(TRADES_MAX - 1)

    assert 10_000 == TRADES_MAX
    with pytest.raises(TradesFull):
        require_trade_left(TRADES_MAX)
