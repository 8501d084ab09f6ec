"""Owns what about our part in the network needs a person, from what was observed.

    <fault>               we did this wrong in one of the newest rounds
    low_balance           an address of ours pays for submissions and holds less than the floor
    availability_short    of this reward epoch's values too few were close to the median to keep its rewards
    others_failing        in the newest round a third of the signing weight failed: the network, or our reading of it
    observation_stopped   no round was observed for a quarter of an hour

An alarm stands as long as its reason does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.oracle.core.minimal_conditions import AVAILABILITY_PPM
from functions.oracle.core.observation import Fault
from kernel.amounts import ONE_PPM

#: A fault of ours stands for so many rounds, so that one that comes and goes is one alarm.
ROUNDS_KEPT: Final = 10
#: A sample that says something: so many rounds.
ROUNDS_JUDGED_MIN: Final = 40
OTHERS_FAILING_BIPS: Final = 3_334
STOPPED_S: Final = 900

AVAILABILITY_SHORT: Final = "availability_short"
OTHERS_FAILING: Final = "others_failing"
OBSERVATION_STOPPED: Final = "observation_stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known. our_faults: of the newest rounds. newest_observed_s: when a round was observed last.

    hits, possible: ours of the running reward epoch, in so many rounds.
    """

    our_faults: Sequence[str]
    low_payers: Sequence[str]
    hits: int
    possible: int
    rounds: int
    faulty_weight_bips: int
    newest_observed_s: float


def alarms(signs: Signs, now_s: float) -> tuple[str, ...]:
    """What needs a person, ascending by name."""
    standing = {*signs.our_faults}
    if signs.low_payers:
        standing.add(Fault.LOW_BALANCE.value)
    if signs.rounds >= ROUNDS_JUDGED_MIN and _is_short(signs):
        standing.add(AVAILABILITY_SHORT)
    if signs.faulty_weight_bips >= OTHERS_FAILING_BIPS:
        standing.add(OTHERS_FAILING)
    if now_s - signs.newest_observed_s > STOPPED_S:
        standing.add(OBSERVATION_STOPPED)
    return tuple(sorted(standing))


def _is_short(signs: Signs) -> bool:
    return signs.hits * ONE_PPM < AVAILABILITY_PPM * signs.possible
