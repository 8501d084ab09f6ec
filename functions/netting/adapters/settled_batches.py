"""The task that indexes a batch which the program has settled: one for each of its numbers, whoever tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.netting.adapters.program_reading import Told
from functions.netting.core.instructions import BatchSettled
from functions.netting.core.telling import Settled
from kernel.correlation import current
from kernel.tasks import TaskSpec

KIND: Final = "netting.index_batch"
#: What is read again may be away for long; the batch's own failures are none of this task's.
ATTEMPTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class SettledBatch:
    """The payload: what a quorum told of the transaction that completed a batch. No items where it came in parts."""

    chain_batch: int
    batch_hash: str
    num_items: int
    num_wallets: int
    settled_at_s: int | None
    signature: str
    slot: int
    items: list[tuple[int, str]] | None
    deltas: list[tuple[str, int]] | None

    @property
    def settled(self) -> Settled:
        """As the core has it."""
        whole = None
        if self.items is not None and self.deltas is not None:
            whole = BatchSettled(
                batch_id=self.chain_batch,
                batch_hash=bytes.fromhex(self.batch_hash),
                items=tuple((number, owner) for number, owner in self.items),
                deltas=tuple((wallet, lamports) for wallet, lamports in self.deltas),
            )
        return Settled(
            batch_id=self.chain_batch,
            batch_hash=bytes.fromhex(self.batch_hash),
            num_items=self.num_items,
            num_wallets=self.num_wallets,
            settled_at_s=self.settled_at_s,
            whole=whole,
        )


def index_task(told: Told, settled: Settled, now: datetime) -> TaskSpec:
    """The task of a batch that a transaction completed."""
    whole = settled.whole
    payload = {
        "chain_batch": settled.batch_id,
        "batch_hash": settled.batch_hash.hex(),
        "num_items": settled.num_items,
        "num_wallets": settled.num_wallets,
        "settled_at_s": settled.settled_at_s if settled.settled_at_s is not None else told.block_time_s,
        "signature": told.signature,
        "slot": told.slot,
        "items": None if whole is None else [list(one) for one in whole.items],
        "deltas": None if whole is None else [list(one) for one in whole.deltas],
    }
    return TaskSpec(
        kind=KIND,
        business_key=f"netting:{settled.batch_id}:index",
        payload=payload,
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
