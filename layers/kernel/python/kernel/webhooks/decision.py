"""Owns what becomes of a delivery and of its endpoint after each attempt. Pure.

1. A 2xx: it is delivered, and the endpoint is well.
2. A 410: the receiver wants no more of it. The delivery has failed, and the endpoint is disabled.
3. Anything else (a redirect, a refusal, a time-out): the next attempt comes after SCHEDULE_S, or after what a 429 or
   503 asked for; ten attempts in three days. Then the delivery has failed. An endpoint that took nothing at all for as
   long is disabled.

An endpoint that fails several times in a row is left alone for up to five minutes: its deliveries wait without an
attempt, so that a receiver that is away holds up nobody else's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: Seconds until the next attempt, after each failed one but the last. The upper sixth more is left to chance.
SCHEDULE_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONG_FAILURE: Final = timedelta(seconds=sum(SCHEDULE_S))
ASKED_MAX_S: Final = 86_400
_BUSY: Final = frozenset({429, 503})
_GONE: Final = 410
#: An endpoint's failures in a row after which it is left alone, and for how long at least and at most.
PATIENCE: Final = 5
PAUSE_S, PAUSE_MAX_S = 5, 300


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Reason(StrEnum):
    """Why we disable an endpoint ourselves."""

    GONE = "it answered 410 Gone"
    FAILING = "it took nothing for three days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a ruling needs to know: of the delivery its attempts so far, of the endpoint its failures in a row."""

    attempts: int
    failures: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What an attempt means. `after_s` for a pending one only; `pause_s` is how long its endpoint is left alone."""

    state: State
    after_s: float = 0.0
    pause_s: float = 0.0
    disable: Reason | None = None


def rule(standing: Standing, status: int | None, asked_s: int, now: datetime, *, jitter: float) -> Ruling:
    """What the attempt just made means. status: None where there was no answer; jitter: from 0 to 1."""
    if status is not None and 200 <= status <= 299:
        return Ruling(state=State.DELIVERED)
    if status == _GONE:
        return Ruling(state=State.FAILED, disable=Reason.GONE)
    pause_s = pause_after(standing.failures + 1)
    if standing.attempts >= len(SCHEDULE_S):
        failing = standing.failing_since is not None and now - standing.failing_since >= LONG_FAILURE
        return Ruling(state=State.FAILED, pause_s=pause_s, disable=Reason.FAILING if failing else None)
    planned_s = SCHEDULE_S[standing.attempts] * (1 + jitter / 6)
    wanted_s = min(asked_s, ASKED_MAX_S) if status in _BUSY else 0
    return Ruling(state=State.PENDING, after_s=max(planned_s, wanted_s), pause_s=pause_s)


def pause_after(failures: int) -> float:
    """How long an endpoint with so many failures in a row is left alone: doubling, from the fifth on."""
    return 0.0 if failures < PATIENCE else float(min(PAUSE_MAX_S, PAUSE_S << min(failures - PATIENCE, 16)))
