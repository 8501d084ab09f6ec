"""Follows the program: a cursor that misses none of its transactions, and the watch by which webhooks come sooner.

Deposits, exits and session keys say nothing in the program's log, so what is watched is every transaction of it
(Wanted.TRANSACTIONS), whose events are read with it: one task a transaction, whoever tells of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.netting.adapters.transfers_seen import KIND
from kernel import base58
from kernel.solana.program_cursor import Budget, ProgramCursor, ProgramWatch, Progress, Wanted
from kernel.watches import Watches

if TYPE_CHECKING:
    from functions.netting.wiring import Deps

#: Of a program's address in its watch's name, which has no capitals.
NAMED_BYTES: Final = 8


class Listening:
    """The turns of the cursor."""

    def __init__(self, deps: Deps) -> None:
        self._postgres, self._tasks, self._clock, self._pool = deps.kernel.postgres, deps.tasks, deps.clock, deps.pool
        program = deps.settings.program
        self.watch: Final = ProgramWatch(
            name=f"netting.{base58.decode(program)[:NAMED_BYTES].hex()}",
            cluster=deps.settings.cluster,
            address=program,
            kind=KIND,
            wanted=Wanted.TRANSACTIONS,
            start_after=deps.settings.start_after,
        )

    def follow(self, seconds: float) -> Progress:
        """A turn over the program's final transactions; webhooks may tell of the same.

        Raises ClusterUnread, NoQuorum, RpcUnavailable, WrongChain.
        """
        with self._postgres.transaction() as tx:
            Watches(self._clock).declare(tx, self.watch)
        cursor = ProgramCursor(self._postgres, self._tasks, self._pool, self.watch, self._clock)
        return cursor.advance(Budget(seconds=seconds))
