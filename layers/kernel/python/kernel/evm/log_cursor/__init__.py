"""Owns the way of a watch along an EVM chain: each event becomes one task, each reorganisation takes events back."""

from kernel.evm.log_cursor.cursor import ChainUnread, LogCursor
from kernel.evm.log_cursor.store import WatchChanged
from kernel.evm.log_cursor.watch import Budget, Pause, Progress, Watch

__all__ = ["Budget", "ChainUnread", "LogCursor", "Pause", "Progress", "Watch", "WatchChanged"]
