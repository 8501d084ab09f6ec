"""Owns the way of a watch along a Solana address: each final transaction, or what its program said, becomes tasks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from kernel.solana.program_cursor.watch import Budget, Pause, ProgramWatch, Progress, Wanted

if TYPE_CHECKING:
    from kernel.solana.program_cursor.cursor import ClusterUnread, ProgramCursor
    from kernel.solana.program_cursor.store import ProgramWatchChanged

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

#: Imported by who moves a cursor: who declares or matches watches starts without its RPC pool.
_LATER: Final = {"ClusterUnread": "cursor", "ProgramCursor": "cursor", "ProgramWatchChanged": "store"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
