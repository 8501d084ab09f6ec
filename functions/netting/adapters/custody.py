"""Wallets' funds and items, into the program and out of it.

A deposit is between the wallet and the program; the authority co-signs an item's, since it gives the number. A
withdrawal needs the authority's word that no batch counts on what leaves. `confirm` gives it in one transaction:

1. the wallet's balance, or the item, is locked, as whoever clears a batch locks it;
2. it must be the wallet's, and enough;
3. the withdrawal reserves it, and no reservation may stand there: one row a wallet's funds, one row an item;
4. the outbox owes the bytes that the wallet signed.

So the authority signs only what is reserved, and what is reserved is cleared by nobody. The balance is the mirror of a
finalized reading: where the chain is ahead, the program itself refuses, and the simulation before our signature too.

*The way out without us.* Whoever is refused here, or does not find us, asks the program itself:
`request_withdrawal`, or `request_item`, signed by the wallet alone, and ten minutes later `withdraw`, or
`withdraw_item`, with the authority named and not signing (infra/contracts/netting/money.h, items.h). What was asked for
is not cleared from the moment at which the request is final; a batch that is on its way by then settles within those
ten minutes, or never.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting.adapters.close_steps import close_task
from functions.netting.adapters.refusals import UnknownItem
from functions.netting.adapters.wallet_calls import WalletCalls
from functions.netting.adapters.wallet_refusals import (
    FundsMissing,
    HeldForBatch,
    ItemInEscrow,
    ItemNotHeld,
    NotTheOffer,
    OfferExpired,
)
from functions.netting.adapters.wallet_transactions import WalletTransaction, WalletTransactions, Wish
from functions.netting.core.wallet_transaction import WITHDRAWALS, Kind, State
from kernel.clock import Clock
from kernel.postgres import Postgres, Queries, Transaction
from kernel.solana.pool import SolanaPool
from kernel.tasks import Tasks

Q: Final = Queries.load(Path(__file__).with_name("custody.sql"))
CUSTODY: Final = WITHDRAWALS | {Kind.DEPOSIT_FUNDS, Kind.DEPOSIT_ITEM}


class Custody:
    """Deposits and withdrawals, offered and confirmed."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: SolanaPool,
        transactions: WalletTransactions,
        calls: WalletCalls,
        clock: Clock,
    ) -> None:
        self._postgres, self._tasks, self._pool = postgres, tasks, pool
        self._transactions, self._calls, self._clock = transactions, calls, clock

    def balance(self, wallet: str) -> Mapping[str, Any] | None:
        """A wallet's funds and what of them is reserved; None for one that was never seen."""
        with self._postgres.transaction() as tx:
            return tx.maybe(Q["balance"], wallet=wallet)

    def deposit_funds(self, wallet: str, lamports: int, asked_key: str) -> WalletTransaction:
        """The transaction that locks funds. Raises RequestChanged, TransactionWouldFail, OfferExpired."""
        opens = self._pool.account(self._calls.ledger(wallet)) is None
        instructions = self._calls.deposit(wallet, lamports, opens=opens)
        wish = _of_funds(Kind.DEPOSIT_FUNDS, wallet, lamports, instructions, asked_key)
        return self._offered(wish)

    def withdraw_funds(self, wallet: str, lamports: int, asked_key: str) -> WalletTransaction:
        """The transaction that takes funds back, as far as nothing stands against it now.

        Raises FundsMissing, HeldForBatch, and what deposit_funds raises.
        """
        wish = _of_funds(Kind.WITHDRAW_FUNDS, wallet, lamports, self._calls.withdraw(wallet, lamports), asked_key)
        if self._transactions.asked(wish) is None:
            self._require_funds(self.balance(wallet), lamports)
        return self._offered(wish)

    def deposit_item(self, wallet: str, item_id: str, asked_key: str) -> WalletTransaction:
        """The transaction that takes an item into escrow. Raises UnknownItem, ItemInEscrow, and as above."""
        item = self._item(item_id)
        instructions = self._calls.deposit_item(wallet, item["mint"], item["item_number"])
        wish = _of_item(Kind.DEPOSIT_ITEM, wallet, item_id, instructions, asked_key)
        if self._transactions.asked(wish) is None and item["owner"] is not None:
            raise ItemInEscrow
        return self._offered(wish)

    def withdraw_item(self, wallet: str, item_id: str, asked_key: str) -> WalletTransaction:
        """The transaction that gives an item back. Raises UnknownItem, ItemNotHeld, HeldForBatch, and as above."""
        item = self._item(item_id)
        instructions = self._calls.withdraw_item(wallet, item["mint"], item["item_number"])
        wish = _of_item(Kind.WITHDRAW_ITEM, wallet, item_id, instructions, asked_key)
        if self._transactions.asked(wish) is None:
            _require_owner(item, wallet)
            if item["is_reserved"]:
                raise HeldForBatch
        return self._offered(wish)

    def confirm(self, transaction_id: UUID, raw: bytes) -> WalletTransaction:
        """Bring what the wallet has signed onto the cluster; again changes nothing.

        Raises WalletTransactionUnknown, NotTheOffer, WalletSignatureRefused, OfferExpired, FundsMissing, ItemNotHeld,
        ItemInEscrow, HeldForBatch, ServiceHalted.
        """
        asked = self._transactions.transaction(transaction_id)
        signed = self._transactions.handed_back(raw)
        if signed.transaction.id != asked.id or asked.kind not in CUSTODY:
            raise NotTheOffer(problem="it was offered under another id")
        with self._postgres.transaction() as tx:
            transaction = self._transactions.lock(tx, signed)
            if transaction.state is not State.OFFERED:
                return transaction
            self._require(tx, transaction)
            if transaction.kind in WITHDRAWALS:
                self._reserve(tx, transaction)
            return self._transactions.send(tx, signed)

    def ended(self, tx: Transaction, transaction: WalletTransaction) -> None:
        """What becomes of a withdrawal's reservation: core/wallet_transaction.py says why."""
        if transaction.kind not in WITHDRAWALS:
            return
        if transaction.state is State.FAILED:
            tx.execute(Q["release"], wallet_transaction=transaction.id)
        elif transaction.state is State.EXPIRED:
            self._tasks.enqueue([close_task(transaction.id, self._clock.now())], tx)

    def _offered(self, wish: Wish) -> WalletTransaction:
        """The same request is answered by the same offer."""
        before = self._transactions.asked(wish)
        if before is not None:
            return before
        offer = self._transactions.drawn(wish)
        with self._postgres.transaction() as tx:
            offered = self._transactions.offer(tx, offer)
        if offered is None:
            offered = self._transactions.asked(wish)
        if offered is None:
            raise OfferExpired
        return offered

    def _require(self, tx: Transaction, transaction: WalletTransaction) -> None:
        """What the request presumed must still hold; held so until the commit."""
        if transaction.kind is Kind.WITHDRAW_FUNDS:
            tx.maybe(Q["lock_balance"], wallet=transaction.wallet)
            row = tx.maybe(Q["balance"], wallet=transaction.wallet)
            self._require_funds(row, transaction.amount_lamports or 0)
        elif transaction.kind is Kind.WITHDRAW_ITEM:
            _require_owner(tx.one(Q["lock_item"], item_id=transaction.subject), transaction.wallet)
        elif transaction.kind is Kind.DEPOSIT_ITEM and (
            tx.one(Q["lock_item"], item_id=transaction.subject)["owner"] is not None
        ):
            raise ItemInEscrow

    def _require_funds(self, row: Mapping[str, Any] | None, lamports: int) -> None:
        if row is None or row["locked_lamports"] < lamports:
            raise FundsMissing
        if row["reserved_lamports"] > 0:
            raise HeldForBatch

    def _reserve(self, tx: Transaction, transaction: WalletTransaction) -> None:
        reserved = tx.maybe(
            Q["reserve"],
            kind="wallet" if transaction.kind is Kind.WITHDRAW_FUNDS else "item",
            subject=transaction.subject,
            amount_lamports=transaction.amount_lamports,
            wallet_transaction=transaction.id,
            now=self._clock.now(),
        )
        if reserved is None:
            raise HeldForBatch

    def _item(self, item_id: str) -> Mapping[str, Any]:
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["item"], item_id=item_id)
        if row is None:
            raise UnknownItem
        return row


def _of_funds(kind: Kind, wallet: str, lamports: int, instructions: Any, asked_key: str) -> Wish:
    return Wish(
        kind=kind,
        wallet=wallet,
        subject=wallet,
        instructions=instructions,
        amount_lamports=lamports,
        asked_key=asked_key,
    )


def _of_item(kind: Kind, wallet: str, item_id: str, instructions: Any, asked_key: str) -> Wish:
    return Wish(kind=kind, wallet=wallet, subject=item_id, instructions=instructions, asked_key=asked_key)


def _require_owner(item: Mapping[str, Any], wallet: str) -> None:
    if item["owner"] != wallet:
        raise ItemNotHeld
