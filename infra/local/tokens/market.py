"""The tokens that are traded locally: some that everybody knows, and as many made up ones as are wanted.

Their prices are those of the local exchanges' market, a function of seed, token and time; made up tokens move eight
times as much as a coin does.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from infra.local.exchanges.market import Coin, Market
from kernel import base58

SOL: Final = "So11111111111111111111111111111111111111112"
#: Supply in whole tokens: the market capitalisation ranks.
_KNOWN: Final = (
    (SOL, "SOL", "Wrapped SOL", 9, "138.42", 1.0, 540_000_000),
    ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "USDC", "USD Coin", 6, "0.9999", 0.02, 9_000_000_000),
    ("JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", "JUP", "Jupiter", 6, "0.2511", 4.0, 3_100_000_000),
    ("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", "BONK", "Bonk", 5, "0.00001012", 6.0, 88_000_000_000_000),
    ("EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm", "WIF", "dogwifhat", 6, "0.3452", 6.0, 998_000_000),
)
_WILD: Final = 8.0


@dataclass(frozen=True, slots=True)
class LocalToken:
    """One token; `coin` is its place in the market."""

    mint: str
    symbol: str
    name: str
    decimals: int
    supply: int
    coin: Coin

    def usd(self, seed: int, time_ms: int) -> Decimal:
        """What a whole one costs, to nine significant digits."""
        price = Decimal(Market(seed).usd(self.coin, time_ms))
        return price.quantize(Decimal(1).scaleb(price.adjusted() - 8)).normalize()


@cache
def tokens(count: int) -> dict[str, LocalToken]:
    """So many tokens by mint: the known ones first, then made up ones, each smaller than the one before."""
    known = [
        LocalToken(mint, symbol, name, decimals, supply, _coin(symbol, usd, calm))
        for mint, symbol, name, decimals, usd, calm, supply in _KNOWN
    ]
    made_up = [_made_up(number) for number in range(max(0, count - len(known)))]
    return {token.mint: token for token in [*known, *made_up][:count]}


def _coin(symbol: str, usd: str, calm: float) -> Coin:
    return Coin(code=symbol, usd=usd, decimals=12, daily_volume=1.0e6, calm=calm)


def _made_up(number: int) -> LocalToken:
    digest = hashlib.sha256(f"counterpart local token {number}".encode()).digest()
    symbol = f"T{number:04d}"
    # Between a ten-thousandth and a dollar; the capitalisation falls with the number.
    usd = f"{(1 + digest[0]) / 256 / 10 ** (digest[1] % 5):.8f}"
    supply = int(2.0e8 / (number + 1) / float(usd))
    return LocalToken(
        base58.encode(digest), symbol, f"Token {number}", 6 + digest[2] % 4, supply, _coin(symbol, usd, _WILD)
    )
