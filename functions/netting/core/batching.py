"""Owns when the intents that wait become a batch, and how many of them.

A larger batch saves more transactions, and waiting costs its traders time. So a batch wants the more intents the more
there are, and a small market is not left waiting: after `longest_wait_s` whatever is there is enough.
"""

from dataclasses import dataclass
from typing import Final

#: An intent that is older is not netted any more.
LIFE_S: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSizes:
    """How many intents a batch wants: (`waiting` more than this many, this many), by ascending `waiting`."""

    steps: tuple[tuple[int, int], ...] = ((0, 1_000), (5_000, 2_000), (10_000, 5_000))
    most: int = 100_000
    longest_wait_s: float = 120

    def __post_init__(self) -> None:
        floors = [floor for floor, _ in self.steps]
        if not self.steps or floors[0] != 0 or floors != sorted(set(floors)) or not 0 < self.steps[-1][1] <= self.most:
            raise ValueError("steps begin at 0 and ascend, and no batch wants more than the most")


def batch_size(waiting: int, oldest_wait_s: float, sizes: BatchSizes) -> int:
    """How many intents to net now, the first in priority; 0 to go on waiting."""
    if waiting == 0:
        return 0
    wanted = next(size for floor, size in reversed(sizes.steps) if waiting > floor)
    if waiting < wanted and oldest_wait_s < sizes.longest_wait_s:
        return 0
    return min(waiting, sizes.most)
