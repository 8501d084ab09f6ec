"""Owns the next step of a job: what is stored and what the provider says go in, one step comes out. Pure.

1. Past its time: it fails, whatever is under way.
2. No attempt is under way, or one is of which nobody kept a call id (whoever began it died, or somebody else has the
   task now): begin another, unless the attempts are used up.
3. Otherwise ask for the result of the newest attempt. Not there yet: wait, a quarter of the attempt's age, until its
   time is up; then it counts as lost. After a word that the result is there, the next look comes at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.offload.jobs import Attempt, OffloadJob
from kernel.offload.lifecycle import State
from kernel.offload.routing import Estimate, Place

PATIENCE: Final = 0.25
POLL_MIN_S: Final = 1.0
POLL_MAX_S: Final = 60.0
#: For so long a word about a result outweighs its absence.
HINT_BELIEVED: Final = timedelta(seconds=30)
#: An estimate may be wrong by so much, and a GPU may have to be waited for, before an attempt counts as lost.
ESTIMATE_TIMES: Final = 4
QUEUE_S: Final = 600


@dataclass(frozen=True, slots=True)
class Begin:
    """Write an attempt down and make its call. loses: the attempt under way came to nothing."""

    loses: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Ask for the result of the newest attempt."""

    attempt: Attempt
    call_id: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The job fails."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The attempt came to nothing."""

    outcome: str
    reason: str


def decide(job: OffloadJob, now: datetime) -> Begin | Look | GiveUp:
    """The next step of a job that has not ended."""
    if job.valid_until is not None and job.valid_until <= now:
        return GiveUp("expired")
    latest = job.latest
    if job.state is State.RUNNING and latest is not None and latest.call_id is not None:
        return Look(latest, latest.call_id)
    if job.tries >= job.attempts_max:
        return GiveUp(used_up(job, next((one.error for one in reversed(job.attempts) if one.error), "lost")))
    return Begin(loses=job.state is not State.RECORDED)


def used_up(job: OffloadJob, last: str) -> str:
    """Why no further attempt is made; `last` is what the last one came to."""
    return f"its {job.attempts_max} attempts are used up; the last came to nothing: {last}"


def waiting(attempt: Attempt, now: datetime) -> Wait | Lost:
    """What follows when there is no result yet."""
    if now >= attempt.give_up_at:
        return Lost("timed_out", f"no result in {(now - attempt.begun_at).total_seconds():.0f} s")
    if attempt.hinted_at is not None and now - attempt.hinted_at < HINT_BELIEVED:
        return Wait(POLL_MIN_S)
    age_s = (now - attempt.begun_at).total_seconds()
    left_s = (attempt.give_up_at - now).total_seconds()
    return Wait(min(max(age_s * PATIENCE, POLL_MIN_S), POLL_MAX_S, left_s))


def give_up_at(estimate: Estimate, now: datetime) -> datetime:
    """When an attempt that begins now counts as lost."""
    return now + timedelta(milliseconds=estimate.time_ms * ESTIMATE_TIMES, seconds=QUEUE_S)


def losers(job: OffloadJob) -> set[Place]:
    """Who lost an attempt of this job, seen when another one is to begin."""
    return {one.place for one in job.attempts if one.outcome != "not_made"}
