"""Owns the answer to "what became of this?": everything that the house knows of one business key, as one time-line."""

from kernel.trace.moments import Moment
from kernel.trace.traces import NoTrace, Trace, Traces

__all__ = ["Moment", "NoTrace", "Trace", "Traces"]
