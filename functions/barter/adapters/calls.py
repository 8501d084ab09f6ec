"""Our transactions to exchanges: recorded as calls of the treasury's wallet, one open at a time for each exchange.

One commit holds the call's row, the postings that take the largest possible fee out of the wallet, the leased nonce,
the unsigned transaction and its task. Nothing was sent before it, and after it the outbox sends it once, whoever dies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.barter.adapters.steps import SERVICE, SUBMIT, name_of
from functions.barter.adapters.stored import StoredCall, StoredWatch, stored_call
from functions.barter.adapters.watches import Q
from functions.barter.core.watch import Phase
from kernel.clock import Clock
from kernel.correlation import current
from kernel.outbox.evm import OutboxEntry
from kernel.postgres import Statements, Transaction
from kernel.treasury.movements import Call, Ending, Kind, Order
from kernel.treasury.treasury import Treasury

Tell = Callable[[Transaction, StoredCall], None]
_REASONS: Final = {
    "advance": "ends a phase",
    "time_out": "ends the wait for a proof",
    "trades": "posts the trades of a market",
}


class Purpose(StrEnum):
    """What a transaction is for."""

    ADVANCE = "advance"
    TIME_OUT = "time_out"
    TRADES = "trades"


class TakenBack(StrEnum):
    """Why we take back what nothing is signed of: somebody was quicker, or the chain went back. It says no more."""

    PROOF_VOID = "proof_void"
    EXCHANGE_GONE = "exchange_gone"
    PHASE_ENDED = "phase_ended"
    TRADE_GONE = "trade_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How many transactions there were for one end, and how many of them we did not take back ourselves."""

    made: int
    tried: int


class Calls:
    """The settler's transactions on one chain. The caller holds the watch."""

    def __init__(self, treasury: Treasury, clock: Clock, *, chain: str, settler: str, tell: Tell | None = None) -> None:
        """tell: called in the transaction in which one ends."""
        self._treasury, self._clock, self._chain, self._settler, self._tell = treasury, clock, chain, settler, tell

    def open(self, tx: Statements, watch: StoredWatch) -> StoredCall | None:
        """The one that is on its way."""
        row = tx.maybe(Q["call_of"], **watch.row)
        return None if row is None else stored_call(row)

    def made(self, tx: Statements, watch: StoredWatch, purpose: Purpose, phase: Phase, proof: UUID | None) -> Made:
        """What there was to end this phase so far."""
        ends = {"purpose": purpose, "phase": int(phase), "job_id": proof}
        row = tx.one(Q["calls_for"], **watch.row, **ends, taken_back=list(TakenBack))
        return Made(made=row["made"], tried=row["tried"])

    def record(
        self, tx: Transaction, watch: StoredWatch, purpose: Purpose, phase: Phase, proof: UUID | None, call: Call
    ) -> StoredCall:
        """Owe the exchange a transaction. Last in its commit: every other call of the wallet waits for the nonce.

        Raises Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown.
        """
        columns = {"purpose": purpose, "phase": int(phase), "job_id": proof, "correlation_id": current()}
        prefix = f"{name_of(watch.chain_id, watch.address)}:call:"
        row = tx.one(Q["insert_call"], **watch.row, **columns, prefix=prefix, now=self._clock.now())
        recorded = stored_call(row)
        self._treasury.transfer(
            tx,
            Order(
                key=recorded.transfer,
                chain=self._chain,
                sender=self._settler,
                recipient=watch.address,
                amount=0,
                actor=SERVICE,
                reason=_REASONS[purpose],
                kind=Kind.CALL,
                call=call,
            ),
        )
        return recorded

    def end(self, tx: Transaction, transfer: str, ending: Ending, reason: str | None) -> StoredCall | None:
        """Book how one ended, once; None for what is no call of ours, or has ended already."""
        hash_ = None if ending.transaction_id is None else bytes.fromhex(ending.transaction_id.removeprefix("0x"))
        told = {"transfer": transfer, "reason": reason, "transaction_hash": ending.transaction_id}
        columns = {"state": str(ending.state), "reason": reason, "transaction_hash": hash_}
        place = {"block_number": ending.block, "correlation_id": current(), "now": self._clock.now()}
        row = tx.maybe(Q["end_call"], transfer=transfer, **columns, **place, details=Jsonb(told))
        if row is None:
            return None
        ended = stored_call(row)
        if self._tell is not None:
            self._tell(tx, ended)
        return ended

    def paid_by(self, tx: Statements, entry: OutboxEntry) -> StoredCall | None:
        """The call that an entry of the outbox is; None for any other."""
        row = tx.maybe(Q["call_paid_by"], entry_id=entry.id)
        return None if row is None else stored_call(row)


def call(data: bytes, gas_limit: int) -> Call:
    """A call of an exchange as the treasury takes it."""
    return Call(data=data, gas_limit=gas_limit, submit_kind=SUBMIT, service=SERVICE)
