"""Faults that SQS allows and rarely shows: duplicates, late copies, overtaking. Decided by a seed, so they repeat."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """How often a received message is delivered twice or held back, and for how long at most.

    ``duplicate`` and ``reorder`` are probabilities per message; ``delay_ms`` bounds how much later the copy or the
    overtaken message arrives. The decision for the n-th message of a queue depends on the seed, the queue's logical
    id and n alone.
    """

    seed: int = 0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay_ms: int = 500

    def deliveries(self, queue: str, nth: int) -> tuple[float, ...]:
        """Seconds after receipt at which the n-th message of ``queue`` is delivered: once, or twice."""
        draw = random.Random(f"{self.seed}/{queue}/{nth}")
        first = draw.uniform(0, self.delay_ms / 1000) if draw.random() < self.reorder else 0.0
        if draw.random() < self.duplicate:
            return first, first + draw.uniform(0, self.delay_ms / 1000)
        return (first,)


CALM = Chaos()
