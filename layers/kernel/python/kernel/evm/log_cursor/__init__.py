"""Owns the way of a watch along an EVM chain: each event becomes one task, each reorganisation takes events back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from kernel.evm.log_cursor.watch import Budget, Pause, Progress, Watch

if TYPE_CHECKING:
    from kernel.evm.log_cursor.cursor import ChainUnread, LogCursor
    from kernel.evm.log_cursor.store import WatchChanged

__all__ = ["Budget", "ChainUnread", "LogCursor", "Pause", "Progress", "Watch", "WatchChanged"]

#: Imported by who moves a cursor: who declares or matches watches starts without its RPC pool.
_LATER: Final = {"ChainUnread": "cursor", "LogCursor": "cursor", "WatchChanged": "store"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
