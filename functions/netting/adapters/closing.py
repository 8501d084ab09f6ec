"""Frees what a withdrawal held that came to nothing: the chain is asked first, since only one of its names is known.

The outbox has proven that nothing of the name that we know can land. Here the account itself is read, finalized, by a
quorum that nobody's absence reduces, at a slot that the cluster had made final after that proof: what it holds is kept,
and the reservation falls in the same commit. Whatever became of the message, the mirror shows it from then on.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from functions.netting.adapters.close_steps import CloseWithdrawal
from functions.netting.adapters.holdings import Holdings
from functions.netting.adapters.program_reading import Held, ProgramReading
from functions.netting.adapters.transfers_seen import Away
from functions.netting.adapters.wallet_transactions import WalletTransaction, WalletTransactions
from functions.netting.core.wallet_transaction import Kind
from kernel.errors import Transient
from kernel.postgres import Fence, Queries
from kernel.solana.pool import SolanaPool
from kernel.tasks import Done, Outcome, Retry, Tasks

Q: Final = Queries.load(Path(__file__).with_name("custody.sql"))
PAUSE_MAX_S: Final = 30


@dataclass(frozen=True, slots=True)
class Reread:
    """What the withdrawal's account holds now. number: of its item."""

    held: Held
    number: int | None


Found = Reread | Away


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
        number = self._number(transaction) if transaction.kind is Kind.WITHDRAW_ITEM else None
        addresses = self._reading.addresses
        account = addresses.ledger(transaction.wallet) if number is None else addresses.item(number)
        try:
            slot = self._pool.finalized_slot_ceiling(quorum=self._pool.unreduced())
            return Reread(self._reading.accounts([account], as_of_slot=slot)[account], number)
        except Transient as away:
            return Away(away.code)

    def take(self, step: CloseWithdrawal, found: Found, *, fence: Fence) -> Outcome:
        """Keep what was read and free what was held, in a commit that ends the task, too; or look again later."""
        match found:
            case Away(code):
                return Retry(min(fence.token, PAUSE_MAX_S), f"the chain cannot be read: {code}")
            case Reread(held, number):
                return self._take(step, held, number, fence)
        assert_never(found)

    def _take(self, step: CloseWithdrawal, held: Held, number: int | None, fence: Fence) -> Outcome:
        result = {"slot": held.slot, "gone": held.account is None}
        with self._tasks.postgres.transaction(holding=fence) as tx:
            self._holdings.keep(tx, [held])
            if number is not None and held.account is None:
                self._holdings.forget(tx, self._holdings.numbered(tx, [number])[number], held.slot)
            tx.execute(Q["release"], wallet_transaction=step.wallet_transaction)
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def _number(self, transaction: WalletTransaction) -> int:
        with self._tasks.postgres.transaction() as tx:
            return int(tx.one(Q["item"], item_id=transaction.subject)["item_number"])
