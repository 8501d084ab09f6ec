"""What sources of prices suffer from at the moment, and what their clocks say; venues and token sources alike."""

import time
from dataclasses import replace

from infra.local.exchanges.faults import Fault, FaultKind


class Troubles:
    """Faults by source, and a clock that may be held for all of them, or frozen for one."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._frozen_at_ms: dict[str, int] = {}
        self._held_at_ms: int | None = None

    def hold(self, at_ms: int | None) -> None:
        """Stop every source's clock at `at_ms`; None lets it run with the real one."""
        self._held_at_ms = at_ms

    def now_ms(self, source: str) -> int:
        """The source's clock: stopped by `hold`, or by its being frozen."""
        held = self._frozen_at_ms.get(source, self._held_at_ms)
        return int(time.time() * 1_000) if held is None else held

    def begin(self, source: str, fault: Fault | None) -> None:
        """Begin a fault in place of whatever the source suffers from; None only ends that."""
        self._frozen_at_ms.pop(source, None)
        self._faults.pop(source, None)
        if fault is not None:
            self._faults[source] = fault
            if fault.kind is FaultKind.FROZEN:
                self._frozen_at_ms[source] = self.now_ms(source)

    def next_fault(self, source: str) -> Fault | None:
        """The fault that this request meets; counts down those meant for some requests only."""
        fault = self._faults.get(source)
        if fault is None or fault.requests_left is None:
            return fault
        if fault.requests_left <= 1:
            del self._faults[source]
        else:
            self._faults[source] = replace(fault, requests_left=fault.requests_left - 1)
        return fault
