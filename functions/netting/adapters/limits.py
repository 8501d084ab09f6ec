"""When a batch is made and how it is cleared, as operators tune it while it runs."""

from enum import IntEnum
from typing import Final

from functions.netting.core.batching import BatchSizes
from kernel.tunables import Tunable, Tunables

BATCH_LEAST: Final = Tunable(
    name="netting.batch_least",
    default=1_000,
    minimum=1,
    maximum=100_000,
    unit="intents",
    meaning="So many make a batch while few wait; more where thousands wait.",
)
BATCH_MOST: Final = Tunable(
    name="netting.batch_most",
    default=100_000,
    minimum=1,
    maximum=100_000,
    unit="intents",
    meaning="A batch takes no more; the rest waits for the next.",
)
LONGEST_WAIT: Final = Tunable(
    name="netting.longest_wait_s",
    default=120,
    minimum=0,
    maximum=3_600,
    unit="s",
    meaning="Once an intent has waited so long, whatever is there makes a batch.",
)
OPTIMAL: Final = Tunable(
    name="netting.optimal",
    default=0,
    minimum=0,
    maximum=2,
    unit="mode",
    meaning="Whether each batch's optimal clearing is left alone (0), reported (1), or what is settled (2).",
)
OPTIMAL_MOST: Final = Tunable(
    name="netting.optimal_most",
    default=2_000,
    minimum=1,
    maximum=10_000,
    unit="intents",
    meaning="Of a batch with more, no optimal clearing is looked for.",
)
TUNABLES: Final = (BATCH_LEAST, BATCH_MOST, LONGEST_WAIT, OPTIMAL, OPTIMAL_MOST)


class Optimal(IntEnum):
    """What becomes of the optimal clearing."""

    OFF = 0
    REPORTED = 1
    SETTLED = 2


def sizes_of(tunables: Tunables) -> BatchSizes:
    """The sizes in force."""
    least, most = tunables.get(BATCH_LEAST), tunables.get(BATCH_MOST)
    (first, _), *larger = BatchSizes().steps
    steps = ((first, least), *((floor, max(least, size)) for floor, size in larger))
    fitting = tuple((floor, min(most, size)) for floor, size in steps)
    return BatchSizes(steps=fitting, most=most, longest_wait_s=tunables.get(LONGEST_WAIT))
