"""Owns in what order providers are asked and how long one waits between two rounds (pure)."""

from collections.abc import Sequence
from typing import Final

from kernel.breaker.condition import Condition
from kernel.breaker.lifecycle import State

BASE_S: Final = 0.2
CAP_S: Final = 5.0

#: Who answered comes before who was never asked, who before who failed a moment ago.
_RANK: Final = {State.ACTIVE: 0, State.INITIALIZING: 1, State.DEGRADED: 2}


def order(conditions: Sequence[Condition], *, probes_first: bool) -> list[str]:
    """The providers to ask, best health first and within it as configured; those left alone are left out.

    One whose reset is over may be asked by one caller. It stands first where a caller is the only probe there is, since
    as the last one it would never be asked; and last where health checks do the probing.
    """
    due = [one.dependency for one in conditions if not one.is_closed and (one.wait_s or 0.0) <= 0]
    closed = [one for one in conditions if one.is_closed]
    healthy = [one.dependency for one in sorted(closed, key=lambda one: _RANK[one.state])]
    return [*due, *healthy] if probes_first else [*healthy, *due]


def pause_s(round_number: int, *, jitter: float) -> float:
    """Seconds to wait after the round `round_number` (1 is the first) in which nobody answered.

    Doubling from 0.2 s to 5 s, of which the upper half is left to `jitter` in [0, 1].
    """
    if round_number < 1:
        raise ValueError(f"rounds are counted from 1, not {round_number}")
    if not 0.0 <= jitter <= 1.0:
        raise ValueError(f"jitter lies between 0 and 1, not at {jitter}")
    whole = min(CAP_S, BASE_S * 2.0 ** min(round_number - 1, 32))
    return whole / 2 + whole / 2 * jitter
