"""Owns identifiers: time-ordered row ids, and the ids that follow one request through logs, tasks and messages."""

import re
import secrets
import threading
import time
from uuid import UUID

_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=;-]{7,127}")
_TIME_BITS, _COUNTER_BITS, _RANDOM_BITS = 48, 12, 62


def time_ordered_id(time_ms: int, counter: int, randomness: int) -> UUID:
    """A version 7 UUID (RFC 9562), which sorts by its 48 bits of milliseconds, 12 of a counter, then 62 of randomness.

    Raises ValueError when a part does not fit its bits.
    """
    if time_ms >> _TIME_BITS or counter >> _COUNTER_BITS or randomness >> _RANDOM_BITS:
        raise ValueError(f"a part of the id does not fit its bits: {time_ms}, {counter}")

    version, variant = 7, 0b10
    return UUID(int=time_ms << 80 | version << 76 | counter << 64 | variant << 62 | randomness)


class IdSequence:
    """Hands out ids that rise strictly within a container, also within one millisecond or when the clock steps back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self, time_ms: int) -> UUID:
        """The next id, at `time_ms` or as little later as it takes to stay in order."""
        with self._lock:
            self._last = max(time_ms << _COUNTER_BITS, self._last + 1)
            moment_ms, counter = divmod(self._last, 1 << _COUNTER_BITS)
        return time_ordered_id(moment_ms, counter, secrets.randbits(_RANDOM_BITS))


_sequence = IdSequence()


def new_id() -> UUID:
    """A fresh row id; later ids of this container sort after earlier ones."""
    return _sequence.next(time.time_ns() // 1_000_000)


def correlation_id() -> str:
    """A fresh id for a chain of work that nobody has named yet."""
    return new_id().hex


def accepted_correlation_id(text: str | None) -> str:
    """The caller's id if it is 8 to 128 plain characters (it goes into logs), else a fresh one."""
    return text if text and _CORRELATION.fullmatch(text) else correlation_id()
