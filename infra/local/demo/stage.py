"""What every scene needs: a way to say that something promised was not seen."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class SceneFailed(Exception):
    """Something that a scene promises was not seen."""


def wait_for(look: Callable[[], T | None], what: str, *, within_s: float, every_s: float = 0.2) -> T:
    """The first thing that `look` sees. SceneFailed when it sees nothing in time."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        seen = look()
        if seen is not None:
            return seen
        time.sleep(every_s)
    raise SceneFailed(f"{what} did not happen within {within_s:.0f} s")
