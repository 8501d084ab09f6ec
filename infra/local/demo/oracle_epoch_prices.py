"""What the participants of the oracle's whole show believe: the venues' market, each in its own way."""

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Final

from infra.local.demo.oracle_epoch_cast import Taste
from infra.local.exchanges.listings import WHOLE
from infra.local.exchanges.market import Market
from infra.local.flare.feeds import Feed
from kernel.amounts import ONE_BPS

#: How far back the market is sampled, and how often.
GRID_S: Final = 5
SAMPLES_S: Final = tuple(range(0, 160, 10))
_KEPT: Final = 16_384


class Prices:
    """The market behind the venues, as of any moment."""

    def __init__(self, seed: int, feeds: Sequence[Feed]) -> None:
        self._seed, self._market = seed, Market(seed)
        self._coins = [WHOLE[feed.name.partition("/")[0]] for feed in feeds]
        self._decimals = [feed.decimals for feed in feeds]
        self._usd = lru_cache(_KEPT)(self._market.usd)

    def usd(self, position: int, time_s: float) -> float:
        """The true price of a feed."""
        return self._usd(self._coins[position], int(time_s * 1_000))

    def believed(self, name: str, taste: Taste, at_s: int, *, shift_bps: int = 0) -> list[int]:
        """What one participant reports for each feed at a moment, in the feed's decimals."""
        dice = Random(f"{self._seed}:{name}:{at_s}")
        # Everybody looks at the same moments, so that each is computed once.
        looked_s = at_s - at_s % GRID_S
        scale = 1 + shift_bps / ONE_BPS
        return [
            round(
                self._mean(position, taste, looked_s)
                * scale
                * (1 + dice.gauss(0, taste.noise_bps) / ONE_BPS)
                * 10**places
            )
            for position, places in enumerate(self._decimals)
        ]

    def _mean(self, position: int, taste: Taste, at_s: int) -> float:
        """Of the past that it remembers; at least of now."""
        seen = [self.usd(position, at_s - age_s) for age_s in SAMPLES_S if age_s <= taste.memory_s]
        return sum(seen) / len(seen)
