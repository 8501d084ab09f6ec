"""Owns what becomes of a proof's job when its exchange is looked at."""

from enum import StrEnum

from functions.barter.core import job, watch
from functions.barter.core.watch import Phase


class Care(StrEnum):
    """What a look does about a job."""

    KEEP = "keep"
    WAKE = "wake"  # Somebody is to work on it: see that somebody does.
    WITHDRAW = "withdraw"  # Nobody wants it any more.
    EXPIRE = "expire"  # Its blocks are over.


def care_of(watched: watch.State, phase: Phase, proof: job.State, *, is_hopeless: bool) -> Care:
    """What to do about a job that is not void.

    is_hopeless: it is errored, and not tried again; then it stays what it is, for whoever asks why. A completed job
    stays, too, unless its Trade was taken back: who brought the trades may be anybody, and the proof is still right.
    """
    if watched == watch.State.WATCHING:
        return Care.WITHDRAW
    if proof not in job.OWED or is_hopeless:
        return Care.KEEP
    if watched in watch.ENDED:
        return Care.WITHDRAW
    if watched == watch.State.TIMED_OUT:
        return Care.EXPIRE
    return Care.WAKE if phase == Phase.TRADE else Care.KEEP
