"""Owns thresholds that operators tune while the house runs: declared in code, changed in a versioned, audited table."""

from kernel.tunables.store import Change, Tunables
from kernel.tunables.tunable import OutOfBounds, Tunable

__all__ = ["Change", "OutOfBounds", "Tunable", "Tunables"]
