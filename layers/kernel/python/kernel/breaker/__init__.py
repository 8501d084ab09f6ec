"""Owns one shared circuit breaker a dependency: who may be asked, and what every container knows of it."""

from kernel.breaker.board import Board, Posted, UpstashBoard
from kernel.breaker.breakers import Admission, Breakers, CircuitOpen
from kernel.breaker.condition import Condition
from kernel.breaker.guarding import Verdict, verdict
from kernel.breaker.lifecycle import Event, State
from kernel.breaker.policy import TUNABLES, BreakerPolicy, Policies
from kernel.breaker.record import Change

__all__ = [
    "TUNABLES",
    "Admission",
    "Board",
    "BreakerPolicy",
    "Breakers",
    "Change",
    "CircuitOpen",
    "Condition",
    "Event",
    "Policies",
    "Posted",
    "State",
    "UpstashBoard",
    "Verdict",
    "verdict",
]
