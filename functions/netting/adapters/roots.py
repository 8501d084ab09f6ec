"""Roots of batches' states, told to the program under numbers of their own: they ascend, so one is sent at a time.

A number is given when the root is sent. The program refuses one that is not above the last, and keeps the newest.
"""

from pathlib import Path
from typing import Final
from uuid import UUID

from functions.netting.adapters.batches import StoredBatch
from functions.netting.adapters.obligations import Effect, Obligations, rent_lamports
from functions.netting.adapters.program_accounts import STATE_ROOT_SIZE_BYTES, Calls
from kernel.clock import Clock
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("roots.sql"))
#: The first one makes the account.
ROOT_UNITS: Final = 45_000
SENT, SETTLED, FAILED = "sent", "settled", "failed"


class Roots:
    """Which batches' roots the program has been told."""

    def __init__(self, calls: Calls, obligations: Obligations, clock: Clock) -> None:
        self._calls, self._obligations, self._clock = calls, obligations, clock

    def is_settled(self, tx: Transaction, batch: UUID) -> bool:
        """Whether the program has kept this batch's root, final."""
        row = tx.maybe(Q["root_of"], batch=batch)
        return row is not None and row["state"] == SETTLED

    def send(self, tx: Transaction, batch: StoredBatch, *, last_number: int) -> bool:
        """Record a batch's root, in a transaction that holds the lane; False while one is on its way.

        last_number: the newest that the program has. Raises what `Obligations.record` raises.
        """
        last = tx.one(Q["last_root"])
        if last["under_way"]:
            return False
        known = tx.maybe(Q["root_of"], batch=batch.id)
        number = max(int(last["number"]), last_number) + 1
        key = f"netting:root:{batch.id}:{1 if known is None else known['attempt'] + 1}"
        call = self._calls.settle_state_root(number, batch.state_root, batch.da_hash, batch.accepted, batch.items)
        effect = Effect(
            key=key,
            instructions=[call],
            units=ROOT_UNITS,
            rent_lamports=0 if last_number else rent_lamports(STATE_ROOT_SIZE_BYTES),
            reason="tells a batch's root",
        )
        self._obligations.record(tx, effect)
        tx.execute(Q["record_root"], number=number, batch=batch.id, transfer=key, now=self._clock.now())
        return True

    def ended(self, tx: Transaction, transfer: str, *, signature: str | None) -> None:
        """The obligation of a key is over; nothing happens to one of another purpose. signature: where it succeeded."""
        state = FAILED if signature is None else SETTLED
        tx.execute(Q["root_ended"], transfer=transfer, state=state, signature=signature, now=self._clock.now())
