"""Owns a reading that several orders share for a moment: what a unit of gas costs is not asked once for each."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """What `read` returned at most `ttl_s` ago, as its user wants it: `recent()`."""

    def __init__(self, read: Callable[[], T], *, ttl_s: float, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._read, self._ttl_s, self._elapsed_s = read, ttl_s, elapsed_s
        self._kept: tuple[float, T] | None = None

    def __call__(self) -> T:
        """The reading, made again if it is too old. Raises what `read` raises; nothing is kept of that."""
        kept, now_s = self._kept, self._elapsed_s()
        if kept is None or now_s - kept[0] > self._ttl_s:
            kept = (now_s, self._read())
            self._kept = kept
        return kept[1]

    def anew(self) -> T:
        """The reading, made now; whoever asks in the next moment shares it. Raises what `read` raises."""
        self._kept = None
        return self()
