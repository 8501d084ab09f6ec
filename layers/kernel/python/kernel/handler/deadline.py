"""Owns the deadline guard: work stops a little before Lambda would cut it off, while its failure can be recorded."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from kernel.errors import DeadlineExceeded

#: What is kept back to record the failure; of short functions, a quarter of the time.
MARGIN_S = 1.5


def remaining_s(context: Any) -> float | None:
    """Seconds until Lambda stops the function; None when the context knows no end."""
    clock = getattr(context, "get_remaining_time_in_millis", None)
    return None if clock is None else clock() / 1000


@contextmanager
def deadline_guard(context: Any) -> Iterator[None]:
    """Raises DeadlineExceeded inside the block shortly before the end of the function's time.

    The alarm is a signal, so it works in the main thread, where Lambda runs handlers; elsewhere there is no guard.
    """
    left_s = remaining_s(context)
    if left_s is None or left_s <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return

    started_s, before = time.monotonic(), signal.signal(signal.SIGALRM, _stop)
    others_s, _ = signal.setitimer(signal.ITIMER_REAL, left_s - min(MARGIN_S, left_s / 4))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if others_s:  # the alarm of whoever runs us, as pytest's timeout
            signal.setitimer(signal.ITIMER_REAL, max(0.001, others_s - (time.monotonic() - started_s)))


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise DeadlineExceeded
