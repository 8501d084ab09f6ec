"""Owns whose fault an exception is, seen from a dependency: its own, nobody's that we know, or none at all."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from kernel.errors import (
    CacheUnavailable,
    CounterpartError,
    DatabaseUnavailable,
    DeadlineExceeded,
    LeaseLost,
    RateLimitUnavailable,
    Rejected,
    SecretsUnavailable,
    Transient,
)
from kernel.postgres import DatabaseContention

#: Transient, and yet nothing that the dependency did: our own stores, our own time, another worker.
OURS: Final = (
    CacheUnavailable,
    DatabaseContention,
    DatabaseUnavailable,
    DeadlineExceeded,
    LeaseLost,
    RateLimitUnavailable,
    SecretsUnavailable,
)


class Verdict(StrEnum):
    """What the end of a call says about the dependency."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNKNOWN = "unknown"


def verdict(error: BaseException) -> Verdict:
    """What an exception says: a refusal is an answer; silence and time-outs are failures; the rest tells nothing."""
    if isinstance(error, Rejected):
        return Verdict.ANSWERED
    if isinstance(error, (Transient, TimeoutError, ConnectionError)) and not isinstance(error, OURS):
        return Verdict.FAILED
    return Verdict.UNKNOWN


def told(error: BaseException) -> str:
    """The error in words that are safe to keep: its code, or its type; texts of others may quote a credential."""
    return error.code if isinstance(error, CounterpartError) else type(error).__qualname__


Judge = Callable[[BaseException], Verdict]
