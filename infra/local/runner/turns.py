"""Schedules that fire more often than once a minute: the demos have no hour to spare."""

import threading
from collections.abc import Mapping
from typing import Self

from infra.local.runner.stack import Stack


class Turns:
    """Fires schedules every so many seconds, by their names, each from a thread of its own; a context manager."""

    def __init__(self, stack: Stack, turns: Mapping[str, float]) -> None:
        self._stack, self._closed = stack, threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(name, every_s), name=name, daemon=True)
            for name, every_s in turns.items()
        ]

    def _run(self, name: str, every_s: float) -> None:
        while not self._closed.wait(every_s):
            if self._stack.running.is_set():
                self._stack.fire(name)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join(10.0)
