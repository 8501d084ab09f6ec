"""Owns the treasury: wallets are declared, money is moved once, every end is booked with its fee.

A transfer is one transaction: the postings that take its amount and the largest possible fee out of the wallet, the
outbox entry with its unsigned payload and its submit task, the transfer's own row, and the record of who asked for it
and why. A service's call is a transfer that carries calldata: the same commit, with its own gas in reserve, and without
that record, since it is the service that knows why. When the outbox settles the entry, `settled` books the end in the
very transaction that ends the task.

Money from outside is booked by itself where a final event explains it (`receive`). All else shows as a difference, and
an administrator books it with a reason (`book_difference`), because nobody else knows what it is: a gift, a refund, or
the trace of a stolen key.
"""

from collections.abc import Mapping
from uuid import UUID

from kernel.audit import Audit, require_words
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict
from kernel.ledger import Ledger, Posting, Statement
from kernel.postgres import Postgres, Transaction
from kernel.treasury.desks import Desks
from kernel.treasury.inlets import Deposit
from kernel.treasury.movements import (
    Ending,
    Kind,
    Order,
    State,
    Transfer,
    TransferChanged,
    TransferUnknown,
    departure,
    settlement,
    spending,
)
from kernel.treasury.reconciliation import DIFFERENCE
from kernel.treasury.store import TreasuryStore
from kernel.treasury.switch import require_service
from kernel.treasury.wallets import SERVICE, OperatorWallet, WalletNotOpen, WalletRecord


class DifferenceChanged(Conflict):
    """The wallet does not have this difference."""

    cause = "The wallet was read again since, or somebody booked the difference already."
    remedy = "Read the wallet again; book the difference that it shows now, if any."


class Treasury:
    """Operators' wallets. `desks` gives the desk of a chain, or raises ChainUnknown."""

    def __init__(self, postgres: Postgres, desks: Desks, clock: Clock | None = None) -> None:
        self._postgres, self._desks = postgres, desks
        self._clock: Clock = clock or SystemClock()
        self._store, self._ledger = TreasuryStore(), Ledger(self._clock)
        self._audit = Audit(postgres, self._clock)

    def declare(self, wallet: OperatorWallet, *, actor: str, reason: str) -> WalletRecord:
        """Take a wallet into the treasury, or give a declared one other floors; who and why is kept.

        Its books open at its first check, with the balance that a quorum tells. Raises ServiceUnknown, ChainUnknown,
        WalletOwned, and WalletUnknown when the wallet that is to fund it is not declared.
        """
        require_words(actor, reason)
        with self._postgres.transaction() as tx:
            require_service(tx, wallet.service)
            if wallet.funded_by is not None:
                self._store.wallet(tx, wallet.chain, wallet.funded_by)
            stored = self._store.declare(tx, wallet, self._clock.now())
            terms = {"floor": str(wallet.floor), "target": str(wallet.target), "funded_by": wallet.funded_by}
            self._keep(tx, actor, "declare", f"wallet:{wallet.chain}:{wallet.address}", reason, **terms)
        return stored

    def wallets(self) -> list[WalletRecord]:
        """Every declared wallet, with what its last check found."""
        with self._postgres.transaction() as tx:
            return self._store.wallets(tx)

    def wallet(self, chain: str, address: str) -> WalletRecord:
        """One wallet. Raises WalletUnknown."""
        with self._postgres.transaction() as tx:
            return self._store.wallet(tx, chain, address)

    def statement(self, chain: str, address: str, *, after: int | None = None, limit: int = 100) -> Statement:
        """The postings of a wallet's account, oldest first. Raises WalletUnknown, WalletNotOpen."""
        with self._postgres.transaction() as tx:
            wallet = self._store.wallet(tx, chain, address)
            if wallet.opened_at is None:
                raise WalletNotOpen(chain=chain, address=address)
            return self._ledger.statement(tx, wallet.account, wallet.asset, after=after, limit=limit)

    def request(self, order: Order) -> Transfer:
        """Move money once, in a transaction of its own; the same order under the same key is the same transfer.

        Raises WalletUnknown, WalletNotOpen, TransferChanged, Overdrawn, ServiceHalted, ChainUnknown.
        """
        require_words(order.actor, order.reason)
        with self._postgres.transaction() as tx:
            return self.transfer(tx, order)

    def transfer(self, tx: Transaction, order: Order) -> Transfer:
        """The same in the caller's transaction, which should end soon: the sender's other transfers wait for it."""
        known = self._store.transfer(tx, order.key, lock=True)
        if known is not None:
            if not known.is_for(order):
                raise TransferChanged(key=order.key)
            if order.call is not None:
                self._desks(order.chain).record(tx, order)  # The outbox knows whether the call is the same.
            return known
        wallet = self._store.wallet(tx, order.chain, order.sender)
        if wallet.opened_at is None:
            raise WalletNotOpen(chain=wallet.chain, address=wallet.address)
        desk = self._desks(order.chain)
        reserve = desk.reserve(order.call)
        self._ledger.post(
            tx,
            business_key=order.business_key,
            service=SERVICE,
            postings=departure(wallet, order.amount, reserve),
            memo=order.reason,
        )
        entry_id = desk.record(tx, order)
        recorded = self._store.record(tx, order, wallet, entry_id=entry_id, reserve=reserve, now=self._clock.now())
        if order.kind != Kind.CALL:  # A service calls by its own rules, and keeps by itself why.
            terms = {"chain": order.chain, "sender": order.sender, "recipient": order.recipient}
            subject = f"transfer:{order.key}"
            self._keep(tx, order.actor, str(order.kind), subject, order.reason, **terms, amount=str(order.amount))
        return recorded

    def expect(self, tx: Transaction, chain: str, wallet: str, arrivals: Mapping[str, int]) -> None:
        """Say what will come to a wallet from outside: key of the deposit that it will be -> the most that it can be.

        Until each is received, so much more on the chain than in the books is no difference. Nothing is expected by a
        wallet whose books are not open.
        """
        self._store.expect(tx, chain, wallet, arrivals, self._clock.now())

    def receive(self, tx: Transaction, deposit: Deposit) -> tuple[Deposit, bool]:
        """Book what came to a wallet from outside in a final event; the deposit as booked, and whether it is new.

        A difference of the wallet that it explains to the last unit is one no more. Its block must come after the one
        that the wallet's books began with. Raises WalletUnknown, WalletNotOpen.
        """
        wallet = self._store.wallet(tx, deposit.chain, deposit.wallet, lock=True)
        if wallet.opened_block is None or deposit.block <= wallet.opened_block:
            raise WalletNotOpen(chain=wallet.chain, address=wallet.address)
        now = self._clock.now()
        booked, is_new = self._store.record_deposit(tx, deposit, now)
        if is_new:
            self._ledger.post(
                tx,
                business_key=f"treasury/deposit/{deposit.key}",
                service=SERVICE,
                postings=[
                    Posting(wallet.account, wallet.asset, deposit.amount),
                    Posting(wallet.outside, wallet.asset, -deposit.amount),
                ],
                memo=f"a deposit in {deposit.transaction_id}",
            )
            if wallet.verdict == DIFFERENCE and wallet.difference == deposit.amount:
                self._store.book_difference(tx, wallet, now)
        return booked, is_new

    def transfer_by_key(self, key: str) -> Transfer:
        """A transfer as it stands. Raises TransferUnknown."""
        with self._postgres.transaction() as tx:
            found = self._store.transfer(tx, key)
        if found is None:
            raise TransferUnknown(key=key)
        return found

    def transfer_of(self, entry_id: UUID) -> Transfer:
        """The transfer that an outbox entry belongs to. Raises TransferUnknown."""
        with self._postgres.transaction() as tx:
            found = self._store.transfer_of(tx, entry_id)
        if found is None:
            raise TransferUnknown(entry_id=str(entry_id))
        return found

    def settled(self, tx: Transaction, ending: Ending) -> Transfer | None:
        """Book how an outbox entry ended, in the transaction that ends it; idempotent by the entry.

        The transfer that ended, as it was before. An entry that is no transfer of ours is booked as its service's
        spending, if its wallet is declared.
        """
        transfer = self._store.transfer_of(tx, ending.entry_id)
        wallet = self._store.maybe_wallet(tx, ending.chain, ending.payer)
        if wallet is None or wallet.opened_block is None:
            return transfer
        if transfer is None:
            if ending.block is not None and ending.block > wallet.opened_block:
                self._book(tx, ending, spending(wallet, ending), "")
            return None
        if transfer.state == State.OPEN:
            self._store.settle(tx, transfer, ending, self._clock.now())
        postings = settlement(wallet, transfer, ending, self._arrival(tx, wallet, transfer, ending))
        self._book(tx, ending, postings, transfer.reason)
        return transfer

    def book_difference(self, chain: str, address: str, amount: int, *, key: str, actor: str, reason: str) -> None:
        """Book what came from (+) or went to (-) the outside, as the wallet's last check found it.

        Idempotent by key. Raises WalletUnknown, Overdrawn, and DifferenceChanged when the wallet differs by another
        amount, or by none.
        """
        require_words(actor, reason)
        business_key = f"treasury/difference/{key}"
        with self._postgres.transaction() as tx:
            wallet = self._store.wallet(tx, chain, address, lock=True)
            postings = [Posting(wallet.account, wallet.asset, amount), Posting(wallet.outside, wallet.asset, -amount)]
            if self._ledger.posted(tx, business_key) is not None:
                self._ledger.post(tx, business_key=business_key, service=SERVICE, postings=postings)
                return
            if wallet.verdict != DIFFERENCE or wallet.difference != amount:
                raise DifferenceChanged(difference=str(wallet.difference or 0))
            self._ledger.post(tx, business_key=business_key, service=SERVICE, postings=postings, memo=reason)
            self._store.book_difference(tx, wallet, self._clock.now())
            self._keep(tx, actor, "book", f"wallet:{chain}:{address}", reason, amount=str(amount))

    def _book(self, tx: Transaction, ending: Ending, postings: list[Posting], memo: str) -> None:
        if postings:
            key = f"treasury/settled/{ending.entry_id}"
            self._ledger.post(tx, business_key=key, service=SERVICE, postings=postings, memo=memo)

    def _arrival(self, tx: Transaction, wallet: OperatorWallet, transfer: Transfer, ending: Ending) -> str:
        """The account that the amount came to: a wallet's own, unless its books began after the amount was there."""
        recipient = self._store.maybe_wallet(tx, transfer.chain, transfer.recipient)
        if recipient is None or recipient.opened_block is None or (ending.block or 0) <= recipient.opened_block:
            return wallet.outside
        return recipient.account

    def _keep(self, tx: Transaction, actor: str, verb: str, subject: str, reason: str, **terms: str | None) -> None:
        self._audit.record(
            tx, actor=actor, action=f"treasury.{verb}", subject=subject, details={"reason": reason, **terms}
        )
