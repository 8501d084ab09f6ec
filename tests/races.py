"""Several at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def at_once(those: Sequence[S], act: Callable[[S], T]) -> list[T]:
    """What each returns, in order; whatever one of them raises is raised."""
    meeting = threading.Barrier(len(those))

    def begin(one: S) -> T:
        meeting.wait()
        return act(one)

    with ThreadPoolExecutor(len(those)) as threads:
        return list(threads.map(begin, those))
