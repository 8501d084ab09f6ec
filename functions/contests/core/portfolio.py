"""Owns what a portfolio is worth, and what trading it has brought.

Money is in micro-units of the quote currency, quantities in a token's smallest unit, prices in micro-units for a whole
token. Whoever enters gives weights over whitelisted tokens, which make up all of the stake; at the start these are
bought at one instant's prices. What rounding leaves stays as cash, so a portfolio is worth its stake at its first
instant but for less than a micro-unit a token. What has no price then stays as cash altogether.

Worth ends at a ceiling, of a position as of a portfolio: somebody may make a token's price rise without bound, and
nobody else's contest stops because of a number that cannot be stored.

Profit is realised profit. A token is bought into a position with one cost; a sale takes the share of that cost which
its share of the quantity is, rounded up, so that no profit comes of rounding, and what is left of a position keeps the
rest: costs taken and costs left are what was paid, to the unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from kernel.amounts import ONE_BPS, ONE_PPM, mul_div_ceil, mul_div_floor
from kernel.errors import Invalid

#: The live values of a contest are taken so often.
SNAPSHOT_S: Final = 15
#: A position is worth a billion of the quote currency at most, a portfolio as much as a thousand of these: below 2^63.
WORTH_MAX: Final = 10**15
VALUE_MAX: Final = 1_000 * WORTH_MAX


class PortfolioUnfit(Invalid):
    """The weights of a portfolio make up all of it."""

    cause = "There is no weight, one is not positive, they do not add up to 10 000, or a price is none."
    remedy = "Give a weight in basis points to each whitelisted token that you want, 10 000 in all."


class TradeUnfit(Invalid):
    """A trade is paid for by the portfolio that it changes."""

    cause = (
        "More is sold than is held or bought than there is cash for, quantity or price is not positive, or cash would"
        " rise above 10^18 micro-units."
    )
    remedy = "Trade no more than the portfolio shows at the newest price."


@dataclass(frozen=True, slots=True)
class Token:
    """What a price is for: micro-units for one whole token of 10^decimals units."""

    decimals: int
    price: int

    def worth(self, quantity: int) -> int:
        """Rounded down, and no more than the ceiling: what a sale brings."""
        return min(mul_div_floor(quantity, self.price, 10**self.decimals), WORTH_MAX)

    def cost(self, quantity: int) -> int:
        """Rounded up: what a purchase takes."""
        return mul_div_ceil(quantity, self.price, 10**self.decimals)

    def bought_for(self, money: int) -> int:
        """The quantity that so much buys at the most."""
        return mul_div_floor(money, 10**self.decimals, self.price)


@dataclass(frozen=True, slots=True)
class Position:
    """So much of a token, and what was paid for it."""

    quantity: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What sales have brought: money in micro-units, the moment of the first sale with a profit."""

    sales: int = 0
    profitable_trades: int = 0
    profit: int = 0
    biggest_win: int | None = None
    first_profit_at: datetime | None = None

    @property
    def win_rate(self) -> int | None:
        """Millionths of the sales that brought a profit; None before the first."""
        return mul_div_floor(self.profitable_trades, ONE_PPM, self.sales) if self.sales else None

    @property
    def average_profit(self) -> int | None:
        """A sale, losses included, rounded down; None before the first."""
        return self.profit // self.sales if self.sales else None

    def with_sale(self, profit: int, at: datetime) -> Self:
        """The record after another sale."""
        won = profit > 0
        return replace(
            self,
            sales=self.sales + 1,
            profitable_trades=self.profitable_trades + won,
            profit=self.profit + profit,
            biggest_win=max(profit, self.biggest_win or 0) if won else self.biggest_win,
            first_profit_at=(self.first_profit_at or at) if won else self.first_profit_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Cash, positions by mint, and what sales have brought."""

    cash: int
    positions: Mapping[str, Position]
    record: Record = field(default=Record())

    def bought(self, mint: str, quantity: int, token: Token) -> Self:
        """After a purchase at the price. Raises TradeUnfit."""
        cost = token.cost(quantity)
        if quantity <= 0 or token.price <= 0 or cost > self.cash:
            raise TradeUnfit(mint=mint, quantity=str(quantity))
        held = self.positions.get(mint, Position(0, 0))
        positions = {**self.positions, mint: Position(held.quantity + quantity, held.cost + cost)}
        return replace(self, cash=self.cash - cost, positions=positions)

    def sold(self, mint: str, quantity: int, token: Token, at: datetime) -> Self:
        """After a sale at the price. Raises TradeUnfit."""
        held = self.positions.get(mint, Position(0, 0))
        if not 0 < quantity <= held.quantity or token.price <= 0:
            raise TradeUnfit(mint=mint, quantity=str(quantity))
        proceeds, taken = token.worth(quantity), mul_div_ceil(held.cost, quantity, held.quantity)
        if self.cash + proceeds > VALUE_MAX:
            raise TradeUnfit(mint=mint, quantity=str(quantity))
        rest = Position(held.quantity - quantity, held.cost - taken)
        positions = {**self.positions, mint: rest} if rest.quantity else _without(self.positions, mint)
        record = self.record.with_sale(proceeds - taken, at)
        return replace(self, cash=self.cash + proceeds, positions=positions, record=record)

    def value(self, tokens: Mapping[str, Token]) -> int:
        """Cash and every position at one instant's prices, each rounded down. KeyError for one that is not there."""
        worth = sum(tokens[mint].worth(held.quantity) for mint, held in self.positions.items())
        return min(self.cash + worth, VALUE_MAX)


def require_whole(weights_bps: Mapping[str, int]) -> None:
    """Raises PortfolioUnfit unless the weights are positive and make up all."""
    if not weights_bps or min(weights_bps.values()) <= 0 or sum(weights_bps.values()) != ONE_BPS:
        raise PortfolioUnfit(weights=len(weights_bps), total=sum(weights_bps.values()))


def opened(stake: int, weights_bps: Mapping[str, int], tokens: Mapping[str, Token]) -> Portfolio:
    """The portfolio that a stake buys at the start; what is not among the tokens stays cash. Raises PortfolioUnfit."""
    require_whole(weights_bps)
    priced = {mint: weight for mint, weight in weights_bps.items() if mint in tokens}
    if any(tokens[mint].price <= 0 for mint in priced):
        raise PortfolioUnfit(weights=len(weights_bps), total=sum(weights_bps.values()))
    portfolio = Portfolio(cash=stake, positions={})
    for mint, weight in priced.items():
        quantity = tokens[mint].bought_for(mul_div_floor(stake, weight, ONE_BPS))
        if quantity:
            portfolio = portfolio.bought(mint, quantity, tokens[mint])
    return portfolio


def _without(positions: Mapping[str, Position], mint: str) -> dict[str, Position]:
    """All but one."""
    return {other: held for other, held in positions.items() if other != mint}
