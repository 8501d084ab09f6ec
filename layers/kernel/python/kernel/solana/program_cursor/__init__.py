"""Owns the way of a watch along a Solana address: each final transaction, or what its program said, becomes tasks."""

from kernel.solana.program_cursor.cursor import ClusterUnread, ProgramCursor
from kernel.solana.program_cursor.store import ProgramWatchChanged
from kernel.solana.program_cursor.watch import Budget, Pause, ProgramWatch, Progress, Wanted

__all__ = [
    "Budget",
    "ClusterUnread",
    "Pause",
    "ProgramCursor",
    "ProgramWatch",
    "ProgramWatchChanged",
    "Progress",
    "Wanted",
]
