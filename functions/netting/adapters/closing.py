"""Frees what a withdrawal held that came to nothing: the chain is asked first, since only one of its names is known.

The outbox has proven that nothing of the name that we know can land. Here the account itself is read, finalized, by a
quorum that nobody's absence reduces, at a slot that the cluster had made final after that proof: what it holds is kept,
and the reservation falls in the same commit. Whatever became of the message, the mirror shows it from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never
from uuid import UUID

from functions.netting.adapters.holdings import Holdings
from functions.netting.adapters.program_reading import Held, ProgramReading
from functions.netting.adapters.transfers_seen import Away
from functions.netting.adapters.wallet_transactions import WalletTransaction, WalletTransactions
from functions.netting.core.wallet_transaction import Kind
from kernel.correlation import current
from kernel.errors import Transient
from kernel.postgres import Fence, Queries
from kernel.solana.pool import SolanaPool
from kernel.tasks import Done, Outcome, Retry, Tasks, TaskSpec

Q: Final = Queries.load(Path(__file__).with_name("custody.sql"))
KIND: Final = "netting.close_withdrawal"
PAUSE_MAX_S: Final = 30
#: What is reserved stays so until the chain can be read, however long that takes.
ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class CloseWithdrawal:
    """The payload: a withdrawal that expired."""

    wallet_transaction: UUID


@dataclass(frozen=True, slots=True)
class Reread:
    """What the withdrawal's account holds now."""

    held: Mapping[str, Held]


Found = Reread | Away


def close_task(transaction_id: UUID, now: datetime) -> TaskSpec:
    """The task that frees what an expired withdrawal held."""
    return TaskSpec(
        kind=KIND,
        business_key=f"netting:wallet:{transaction_id}:close",
        payload={"wallet_transaction": str(transaction_id)},
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )


class Closing:
    """Ends of withdrawals that never landed."""

    def __init__(
        self,
        tasks: Tasks,
        pool: SolanaPool,
        transactions: WalletTransactions,
        reading: ProgramReading,
        holdings: Holdings,
    ) -> None:
        self._tasks, self._pool, self._transactions = tasks, pool, transactions
        self._reading, self._holdings = reading, holdings

    def look(self, step: CloseWithdrawal) -> Found:
        """Read the account as of a slot that is final by now. Raises ProgramUnfit."""
        transaction = self._transactions.transaction(step.wallet_transaction)
        try:
            slot = self._pool.finalized_slot_ceiling(quorum=self._pool.unreduced())
            return Reread(self._reading.accounts([self._account(transaction)], as_of_slot=slot))
        except Transient as away:
            return Away(away.code)

    def take(self, step: CloseWithdrawal, found: Found, *, fence: Fence) -> Outcome:
        """Keep what was read and free what was held, in a commit that ends the task, too; or look again later."""
        match found:
            case Away(code):
                return Retry(min(fence.token, PAUSE_MAX_S), f"the chain cannot be read: {code}")
            case Reread(held):
                return self._take(step, held, fence)
        assert_never(found)

    def _take(self, step: CloseWithdrawal, held: Mapping[str, Held], fence: Fence) -> Outcome:
        transaction = self._transactions.transaction(step.wallet_transaction)
        with self._tasks.postgres.transaction(holding=fence) as tx:
            self._holdings.keep(tx, held.values())
            gone = [one.slot for one in held.values() if one.account is None]
            if transaction.kind is Kind.WITHDRAW_ITEM and gone:
                for item in self._holdings.numbered(tx, [self._number(transaction)]).values():
                    self._holdings.forget(tx, item, gone[0])
            tx.execute(Q["release"], wallet_transaction=transaction.id)
            self._tasks.complete(tx, fence, {"gone": bool(gone)})
        return Done({"gone": bool(gone)})

    def _account(self, transaction: WalletTransaction) -> str:
        if transaction.kind is Kind.WITHDRAW_FUNDS:
            return self._reading.addresses.ledger(transaction.wallet)
        return self._reading.addresses.item(self._number(transaction))

    def _number(self, transaction: WalletTransaction) -> int:
        with self._tasks.postgres.transaction() as tx:
            return int(tx.one(Q["item"], item_id=transaction.subject)["item_number"])
