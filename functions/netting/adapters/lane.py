"""The lane: batch ids ascend in the program, so one settlement at a time is on its way, and has the last id given.

What it is on its way as is told by its own obligations (netting.settlement_attempts). Everybody who changes anything
here holds the lane's row first, then a settlement, then its batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting.adapters.batches import StoredSettlement
from functions.netting.core.batch import settlement_key
from functions.netting.core.packing import InParts
from kernel.clock import Clock
from kernel.outbox.solana import State
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("settling.sql"))
#: A block holds it.
LANDED: Final = frozenset((State.LANDED, State.CONFIRMED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The last id given, and the settlement that it was given to."""

    last_chain_batch: int
    batch: UUID | None
    ordinal: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One obligation of a settlement. stands: in the outbox; ended: as it was told to us, None before that."""

    attempt: int
    step: int
    chain_batch: int
    transfer: str
    stands: State
    slot: int | None
    ended: str | None

    @property
    def has_landed(self) -> bool:
        """Whether a block holds it; it may be dropped, and it may have failed."""
        return self.stands in LANDED

    @property
    def has_failed(self) -> bool:
        """Whether it is over, and had no effect."""
        return self.ended is not None and self.ended != State.CONFIRMED


class Lane:
    """The lane's row, and the obligations of settlements."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def hold(self, tx: Transaction) -> Standing:
        """The lane, alone until the commit."""
        tx.execute(Q["open_lane"], now=self._clock.now())
        row = tx.one(Q["lock_lane"])
        return Standing(last_chain_batch=row["last_chain_batch"], batch=row["batch"], ordinal=row["ordinal"])

    def attempts(self, tx: Transaction, settlement: StoredSettlement) -> list[Attempt]:
        """Every obligation of a settlement, oldest first."""
        return [_attempt(row) for row in tx.all(Q["attempts"], **settlement.row)]

    def keep(self, tx: Transaction, settlement: StoredSettlement, *, attempt: int, step: int, chain_batch: int) -> str:
        """Keep that an obligation is recorded for a settlement, which has the lane from now on; the transfer's key."""
        key = attempt_key(settlement, attempt, step)
        now, row = self._clock.now(), settlement.row
        tx.execute(Q["give_lane"], **row, chain_batch=chain_batch, now=now)
        tx.execute(
            Q["record_attempt"], **row, attempt=attempt, step=step, chain_batch=chain_batch, transfer=key, now=now
        )
        return key

    def whose(self, tx: Transaction, transfer: str) -> tuple[UUID, int, int, int] | None:
        """Batch, ordinal, attempt and step of an obligation; None for one of another purpose."""
        row = tx.maybe(Q["attempt_of"], transfer=transfer)
        return None if row is None else (row["batch"], row["ordinal"], row["attempt"], row["step"])

    def end(self, tx: Transaction, transfer: str, ended: str, reason: str | None) -> None:
        """Keep how an obligation ended."""
        tx.execute(Q["end_attempt"], transfer=transfer, ended=ended, reason=reason)


def attempt_key(settlement: StoredSettlement, attempt: int, step: int) -> str:
    """The key of one obligation: "netting:settlement:<batch>:<ordinal>:<attempt>[:<step>]"."""
    key = f"{settlement_key(settlement.batch, settlement.ordinal)}:{attempt}"
    return f"{key}:{step}" if isinstance(settlement.plan, InParts) else key


def begun_under(attempts: Sequence[Attempt]) -> int | None:
    """The id under which a settlement in parts has begun for good; None for any other."""
    begun = [one.chain_batch for one in attempts if one.step == 0 and one.stands == State.CONFIRMED]
    return begun[-1] if begun else None


def _attempt(row: dict[str, Any]) -> Attempt:
    names = ("attempt", "step", "chain_batch", "transfer", "slot", "ended")
    return Attempt(stands=State(row["stands"]), **{name: row[name] for name in names})
