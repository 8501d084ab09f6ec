"""Simulated windows of prices, to grow and to judge a model of anomalies with: seeded, of very different markets.

Each window has a market of its own: 4 to 11 sources, calm or wild (0.15 to 4 basis points a root second), quoted in
fine or in coarse steps, with venues that are close to each other or not, some of them slow, some with little volume, a
poll in twenty missing. Nobody lies in it; the attacks of functions/oracle/core/anomaly_attacks.py come on top.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.oracle.core.points import Point

AT: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
POLL_S: Final = 20.0
WINDOW_S: Final = 180
_FINE_S: Final = 2.0
_BEFORE: Final = np.arange(-240, 1, _FINE_S)


@dataclass(frozen=True, slots=True)
class _Market:
    path: npt.NDArray[np.float64]
    tick: float
    noise: float
    has_volumes: bool


def windows(seed: int, count: int) -> Iterator[list[Point]]:
    """So many windows that end at AT, each reproducible from the seed and its place."""
    for place in range(count):
        dice = np.random.default_rng((seed, place))
        market = _market(dice)
        sources = int(dice.integers(4, 12))
        yield [point for number in range(sources) for point in _told(dice, market, f"s{number:02d}")]


def _market(dice: np.random.Generator) -> _Market:
    volatility = _between(dice, 0.15e-4, 4e-4)
    price = _between(dice, 1e-4, 1e5)
    steps = dice.normal(0, volatility * _FINE_S**0.5, len(_BEFORE))
    return _Market(
        path=price * np.exp(np.cumsum(steps)),
        tick=price * _between(dice, 1e-7, 2e-4),
        noise=dice.uniform(0.3e-4, 4e-4),
        has_volumes=bool(dice.random() < 0.9),
    )


def _told(dice: np.random.Generator, market: _Market, source: str) -> Iterator[Point]:
    """What one source said: the market's price, a little off, as of up to two seconds ago, every 20 s or so."""
    noise = market.noise * np.exp(dice.normal(0, 0.4))
    offset, spread, apart = dice.normal(0, noise / 2), noise * dice.uniform(0.1, 1), dice.normal(0, noise)
    phase_s, typical = dice.uniform(0, POLL_S), np.exp(dice.normal(0, 1.2))
    slow = dice.uniform(0, 0.5) if dice.random() < 0.3 else 0.0
    last = 0.0
    for poll in range(1, 11):
        age_s = WINDOW_S + phase_s - POLL_S * poll + dice.uniform(0, 2)
        apart = 0.7 * apart + dice.normal(0, 0.714 * noise)
        seen = np.interp(-age_s - dice.uniform(0, 2), _BEFORE, market.path)
        price = seen * (1 + offset + apart + spread * (dice.random() < 0.5))
        stays, lost, volume = dice.random() < slow, dice.random() < 0.05, typical * (1 + 0.01 * dice.normal())
        if lost or not 0 <= age_s <= WINDOW_S:
            continue
        if not (stays and last):
            last = max(1, round(price / market.tick)) * market.tick
        time = AT.timestamp() - round(age_s, 3)
        yield Point(float(last), float(volume) if market.has_volumes else None, time, source)


def _between(dice: np.random.Generator, low: float, high: float) -> float:
    """Log-uniform."""
    return float(np.exp(dice.uniform(np.log(low), np.log(high))))
