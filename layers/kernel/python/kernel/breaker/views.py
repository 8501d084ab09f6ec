"""Owns what one container knows of all circuits, and how old that may be.

A view lives for `view_s`. Then one thread asks the board, and the others wait for it. The board is compared
with the record at most STALE_AFTER_MS ago, so a change that anybody committed is seen here after

    view_s (1.5) + STALE_AFTER_MS (3.0) = 4.5 s

at the latest, also when whoever committed it died before posting it. With Redis away every container asks the record
itself, every `view_s`. With both away, what was known last stays: a breaker must not be what breaks.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from kernel.breaker.board import Board, Posted
from kernel.breaker.condition import Condition
from kernel.breaker.record import AWAY_S, Record
from kernel.clock import Clock
from kernel.errors import CacheUnavailable, DatabaseUnavailable
from kernel.postgres import DatabaseContention

logger = logging.getLogger(__name__)

VIEW_S: Final = 1.5


class Views:
    """The conditions of all dependencies as this container knows them."""

    def __init__(
        self, record: Record, board: Board | None, clock: Clock | None = None, *, view_s: float = VIEW_S
    ) -> None:
        """clock: None takes each store's own time; a clock given (tests) rules in all places."""
        self._record, self._board, self._clock, self._view_s = record, board, clock, view_s
        self._seconds: Callable[[], float] = time.monotonic if clock is None else clock.time_s
        self._known: dict[str, tuple[Condition, float]] = {}
        self._fresh_until_s = self._board_away_until_s = float("-inf")
        self._turn, self._reading = threading.Lock(), threading.Lock()

    def of(self, dependency: str) -> Condition:
        """How a dependency stands, as far as this container knows; its wait counts down meanwhile."""
        self._refresh()
        with self._turn:
            condition, seen_s = self._known.get(dependency, (Condition(dependency=dependency), 0.0))
        if condition.wait_s is None:
            return condition
        return replace(condition, wait_s=condition.wait_s - (self._seconds() - seen_s))

    def known(self) -> list[Condition]:
        """Every dependency that this container knows of."""
        self._refresh()
        with self._turn:
            names = sorted(self._known)
        return [self.of(name) for name in names]

    def publish(self, condition: Condition) -> None:
        """Tell this container and the board what the record holds now."""
        self.learn([condition])
        self._exchange([condition])

    def may_probe(self, wanted: Condition) -> bool:
        """Whether to ask the record for a probe: of many containers the board lets one; without it all may ask."""
        posted = self._exchange([], wanted=wanted)
        return posted is None or posted.is_granted

    def learn(self, conditions: Sequence[Condition]) -> None:
        """Take over what is newer; the same version only counts down, here as on the board."""
        seen_s = self._seconds()
        with self._turn:
            for condition in conditions:
                known = self._known.get(condition.dependency)
                if known is None or known[0].version < condition.version:
                    self._known[condition.dependency] = (condition, seen_s)

    def _refresh(self) -> None:
        """One thread reads, the others wait for it: what a container knew before an hour's sleep is worth nothing."""
        if self._seconds() < self._fresh_until_s:
            return
        with self._reading:
            if self._seconds() >= self._fresh_until_s:
                self._read()
                self._fresh_until_s = self._seconds() + self._view_s

    def _read(self) -> None:
        """Ask the board and, where it is not to be relied on or this container was elected, the record."""
        posted = self._exchange([])
        if posted is not None and posted.is_current and not posted.is_elected:
            return
        if self._record.is_away:
            return
        try:
            recorded = self._record.conditions()
        except (DatabaseUnavailable, DatabaseContention) as away:
            logger.warning("The record of the breakers does not answer.", extra={"code": away.code})
            return
        self.learn(recorded)
        if posted is not None:
            self._exchange(recorded, whole=True)

    def _exchange(
        self, posts: Sequence[Condition], *, whole: bool = False, wanted: Condition | None = None
    ) -> Posted | None:
        """The board's answer; None while it is away."""
        if self._board is None or self._seconds() < self._board_away_until_s:
            return None
        now = None if self._clock is None else self._clock.now()
        try:
            posted = self._board.exchange(posts, whole=whole, wanted=wanted, now=now)
        except CacheUnavailable:
            self._board_away_until_s = self._seconds() + AWAY_S
            logger.warning("The board of the breakers does not answer; the record is asked instead.")
            return None
        self.learn(list(posted.conditions.values()))
        return posted
