"""Prices as venues quote them, and the conversion of USDT-quoted ones into USD.

A tether is not a dollar: on some days a USDT-quoted price taken for USD is off by more than a feed's reward band. So a
point keeps its venue's quote currency until here, where it is multiplied by the price of one USDT in USD. Without a
fresh USDT/USD price such a point is left out; it is never guessed at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

USD, USDT = "USD", "USDT"
# The age from which a source is stale (specification, "Aggregate").
AGE_MAX = timedelta(seconds=60)
# Clocks of venues differ a little; a point from further ahead is no evidence of the present.
AHEAD_MAX = timedelta(seconds=5)
# Its own, so that no caller's precision changes a stored price. Prices have 12 digits and rates 6 at most.
ARITHMETIC = Context(prec=34, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePrice:
    """One price of one venue.

    price: units of `quote` for one unit of `base`, with the venue's own digits.
    volume: units of `base`; the amount of a trade, or 24 hours of a ticker; None when it must not weigh.
    time: the venue's own time, in UTC; one source has one point per symbol and time.
    """

    base: str
    quote: str
    price: Decimal
    volume: Decimal | None
    time: datetime
    source: str

    @property
    def symbol(self) -> str:
        """The market's name, such as BTC/USDT."""
        return f"{self.base}/{self.quote}"


@dataclass(frozen=True, slots=True)
class InUsd:
    """Points in USD, and those that could not be converted, both in the order they came in."""

    points: tuple[VenuePrice, ...]
    left_out: tuple[VenuePrice, ...]


def in_usd(points: Iterable[VenuePrice], at: datetime) -> InUsd:
    """Every point in USD at the USDT/USD price that the same points show at `at`."""
    given = tuple(points)
    rate = usdt_in_usd(given, at)
    converted = [(point, to_usd(point, rate)) for point in given]
    return InUsd(
        tuple(usd for _, usd in converted if usd is not None),
        tuple(point for point, usd in converted if usd is None),
    )


def to_usd(point: VenuePrice, usdt_usd: Decimal | None) -> VenuePrice | None:
    """The point in USD; None when it is quoted in something else, or in USDT while no rate is known."""
    if point.quote == USD:
        return point
    if point.quote != USDT or usdt_usd is None:
        return None
    return replace(point, quote=USD, price=ARITHMETIC.multiply(point.price, usdt_usd))


def usdt_in_usd(points: Iterable[VenuePrice], at: datetime) -> Decimal | None:
    """The price of one USDT in USD: the median (mean of the middle two) of each source's newest fresh point.

    Of two points of one instant the higher counts, so that the order of the points never does.
    None when no source has a point that is at most 60 s old at `at`. A median, so that one lying venue among three
    moves nothing.
    """
    newest: dict[str, VenuePrice] = {}
    for point in points:
        known = newest.get(point.source)
        if _tells_the_rate(point, at) and (known is None or (known.time, known.price) < (point.time, point.price)):
            newest[point.source] = point
    prices = sorted(point.price for point in newest.values())
    if not prices:
        return None
    middle = len(prices) // 2
    if len(prices) % 2:
        return prices[middle]
    return ARITHMETIC.divide(ARITHMETIC.add(prices[middle - 1], prices[middle]), Decimal(2))


def one_per_instant(trades: Iterable[VenuePrice]) -> list[VenuePrice]:
    """Trades of one market with those of the same instant made one, oldest first.

    Their volumes add up and their price is the mean by volume, so that no VWAP changes; it gets four digits more than
    the finest of theirs. Some venues print whole seconds, where a busy market has many trades. Every trade needs a
    volume.
    """
    instants: dict[datetime, list[VenuePrice]] = {}
    for trade in trades:
        instants.setdefault(trade.time, []).append(trade)
    return [_merged(instants[time]) for time in sorted(instants)]


def _merged(trades: list[VenuePrice]) -> VenuePrice:
    first, *others = trades
    if not others:
        return first
    volumes = [trade.volume for trade in trades if trade.volume is not None]
    costs = [ARITHMETIC.multiply(trade.price, volume) for trade, volume in zip(trades, volumes, strict=True)]
    total = sum(volumes, Decimal(0))
    finest = min((trade.price for trade in trades), key=lambda price: price.as_tuple().exponent)
    step = Decimal(1).scaleb(int(finest.as_tuple().exponent) - 4)
    return replace(first, volume=total, price=ARITHMETIC.divide(sum(costs, Decimal(0)), total).quantize(step))


def _tells_the_rate(point: VenuePrice, at: datetime) -> bool:
    return point.base == USDT and point.quote == USD and at - AGE_MAX <= point.time <= at + AHEAD_MAX
