"""Owns how far each source is trusted: a number in (0, 1] that follows its agreement with past consensus.

After each decision, for each source that took part:

1. agreement = 1 - |source price - consensus| / (consensus * TOLERANCE), at least 0. It is 1 on the consensus, 0 from
   0.5 % away.
2. The reputation moves by MEMORY (5 %) of the way towards the agreement: an exponentially weighted mean in which half
   of the weight lies on the last 14 decisions, 20 minutes of rounds.
3. A step is at most STEP_MAX (0.02), so that neither one lucky nor one unlucky round changes who is believed: from full
   trust to the floor takes 48 rounds, more than an hour.
4. The result stays in [FLOOR, 1]. The floor is above 0 so that a source can come back.

Rounded to 6 decimals after each step, so that a stored reputation is exactly the one that was used.
A source that did not take part keeps what it had; a new one begins at INITIAL.
"""

from collections.abc import Mapping
from typing import Final

INITIAL: Final = 0.5
FLOOR: Final = 0.05
MEMORY: Final = 0.05
STEP_MAX: Final = 0.02
TOLERANCE: Final = 0.005
_DECIMALS: Final = 6


def agreement(price: float, consensus: float) -> float:
    """How well a source's price agrees with the consensus, 0 to 1. `consensus` is positive."""
    return max(0.0, 1.0 - abs(price - consensus) / (consensus * TOLERANCE))


def next_reputation(current: float, agreed: float) -> float:
    """A reputation after one more decision in which the source agreed to the degree `agreed`."""
    step = MEMORY * (agreed - current)
    bounded = current + max(-STEP_MAX, min(STEP_MAX, step))
    return round(max(FLOOR, min(1.0, bounded)), _DECIMALS)


def learn(reputation: Mapping[str, float], source_prices: Mapping[str, float], consensus: float) -> dict[str, float]:
    """Every source's reputation after a decision; `reputation` itself stays as it is."""
    judged = {
        source: next_reputation(reputation.get(source, INITIAL), agreement(price, consensus))
        for source, price in source_prices.items()
    }
    return {**reputation, **judged}
