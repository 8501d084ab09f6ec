"""The one market behind every local venue: prices and trades as pure functions of a seed, a symbol and a time.

A price path is a sum of smooth random waves ("value noise"): for each period P the line of time is cut at multiples
of P, each cut gets a random height from a hash of (seed, name, P, cut), and heights are joined smoothly. Heights grow
with the square root of P, as a random walk's do, up to the longest period; beyond it the path returns to its mean, as
an Ornstein-Uhlenbeck path does. So the price at any time is known without walking there, and the same seed gives the
same market in every process.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

DAY_MS = 86_400_000
PERIODS_S = (2, 8, 32, 128, 512, 2_048, 8_192, 32_768)
NOISE_PERIODS_S = (4, 16, 64)
# 60 % a year, spread over the seconds of a year.
WALK_PER_ROOT_SECOND = 1.07e-4
MARKET_SHARE = 0.7
TRADE_SLOT_MS = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """One base currency: where its price starts, in what steps it is quoted, how much of it trades in a day.

    calm: how far it moves, of what an ordinary coin does.
    """

    code: str
    usd: str
    decimals: int
    daily_volume: float
    calm: float = 1.0


TETHER = Coin(code="USDT", usd="0.9994", decimals=5, daily_volume=9.0e8, calm=0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What distinguishes one venue's market from another's; spreads and noise in basis points of the price."""

    name: str
    spread_bps: float
    noise_bps: float
    volume_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade of a venue's public tape; numbers as the venue prints them."""

    number: int
    time_ms: int
    price: Decimal
    amount: Decimal
    is_buy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """A market's summary at one moment; volume is the base amount of 24 hours."""

    time_ms: int
    last: Decimal
    bid: Decimal
    ask: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal


@dataclass(frozen=True, slots=True)
class Market:
    """The seeded market; `lie_bps` shifts every price of this view, for a venue that lies."""

    seed: int
    lie_bps: int = 0

    def usd(self, coin: Coin, time_ms: int) -> float:
        """The coin's true price in USD."""
        together = _waves(f"{self.seed}:market", time_ms, PERIODS_S)
        alone = _waves(f"{self.seed}:{coin.code}", time_ms, PERIODS_S)
        steps = MARKET_SHARE * together + (1 - MARKET_SHARE) * 2 * alone
        return float(coin.usd) * math.exp(coin.calm * WALK_PER_ROOT_SECOND * steps)

    def mid(self, coin: Coin, quote: str, habits: Habits, time_ms: int) -> float:
        """The middle of a venue's book, in the quote currency: USDT is worth a little more or less than a dollar."""
        price = self.usd(coin, time_ms) * (1 + self.lie_bps / 10_000)
        noise = _waves(f"{self.seed}:{habits.name}:{coin.code}", time_ms, NOISE_PERIODS_S) / sum(
            math.sqrt(period) for period in NOISE_PERIODS_S
        )
        price *= 1 + habits.noise_bps / 10_000 * noise
        return price / self.usd(TETHER, time_ms) if quote == "USDT" else price

    def trades(self, coin: Coin, quote: str, habits: Habits, time_ms: int) -> Iterator[Trade]:
        """The trades up to `time_ms`, newest first, without end: about one in every slot of 1.5 s."""
        number = time_ms // TRADE_SLOT_MS
        while True:
            trade = self._trade(coin, quote, habits, number)
            if trade.time_ms <= time_ms:
                yield trade
            number -= 1

    def ticker(self, coin: Coin, quote: str, habits: Habits, time_ms: int) -> Ticker:
        """The summary at `time_ms`; `last` is the price of the newest trade."""
        last = next(self.trades(coin, quote, habits, time_ms)).price
        mid = self.mid(coin, quote, habits, time_ms)
        half_spread = habits.spread_bps / 20_000
        past = [_step(self.mid(coin, quote, habits, time_ms - DAY_MS * part // 4), coin.decimals) for part in range(5)]
        volume = _step(coin.daily_volume * habits.volume_share * (1 + 0.2 * self._tide(coin, habits, time_ms)), 4)
        return Ticker(
            time_ms=time_ms,
            last=last,
            bid=_step(mid * (1 - half_spread), coin.decimals),
            ask=_step(mid * (1 + half_spread), coin.decimals),
            open=past[4],
            high=max(*past, last),
            low=min(*past, last),
            volume=volume,
            quote_volume=(volume * last).quantize(Decimal("0.01")),
        )

    def _trade(self, coin: Coin, quote: str, habits: Habits, number: int) -> Trade:
        name = f"{self.seed}:{habits.name}:{coin.code}:{quote}"
        time_ms = number * TRADE_SLOT_MS + int((_height(f"{name}:when", number) + 1) / 2 * TRADE_SLOT_MS)
        is_buy = _height(f"{name}:side", number) > 0
        half_spread = habits.spread_bps / 20_000 * (1 if is_buy else -1)
        typical = coin.daily_volume * habits.volume_share * TRADE_SLOT_MS / DAY_MS
        amount = typical * math.exp(1.5 * _height(f"{name}:amount", number))
        return Trade(
            number=number,
            time_ms=time_ms,
            price=_step(self.mid(coin, quote, habits, time_ms) * (1 + half_spread), coin.decimals),
            amount=max(_step(amount, 6), Decimal("0.000001")),
            is_buy=is_buy,
        )

    def _tide(self, coin: Coin, habits: Habits, time_ms: int) -> float:
        return _waves(f"{self.seed}:{habits.name}:{coin.code}:volume", time_ms, (3_600,)) / 60


def _waves(name: str, time_ms: int, periods_s: tuple[int, ...]) -> float:
    """The sum of the waves at one time; each is within plus and minus the square root of its period."""
    return sum(math.sqrt(period) * _wave(name, time_ms, period) for period in periods_s)


def _wave(name: str, time_ms: int, period_s: int) -> float:
    """A smooth curve through one random height per period, within -1..1."""
    cut, rest = divmod(time_ms, period_s * 1_000)
    part = rest / (period_s * 1_000)
    smooth = part * part * (3 - 2 * part)
    left, right = _height(f"{name}:{period_s}", cut), _height(f"{name}:{period_s}", cut + 1)
    return left + (right - left) * smooth


@lru_cache(maxsize=65_536)
def _height(name: str, cut: int) -> float:
    """A uniform number in -1..1 that depends on nothing but its arguments."""
    digest = blake2b(f"{name}:{cut}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**55 - 1


def _step(value: float, decimals: int) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals))
