"""The bridge's part of the books: what core/books.py says of an order, posted in the caller's transaction."""

from collections.abc import Sequence

from functions.bridge.adapters.orders import Orders
from functions.bridge.adapters.steps import SERVICE
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core import books
from functions.bridge.core.books import Line
from kernel.clock import Clock
from kernel.ledger import Account, AccountNotOpen, Ledger, Posting
from kernel.postgres import Transaction
from kernel.treasury.store import TreasuryStore


class Posts:
    """Postings of orders, each once under its business key. l1: the asset of L1's ether."""

    def __init__(self, orders: Orders, clock: Clock, *, l1: str) -> None:
        self.l1, self.l1_chain = l1, l1.removesuffix(":native")
        self._orders, self._ledger, self._treasury, self._clock = orders, Ledger(clock), TreasuryStore(), clock
        self._opened: set[Account] = set()

    def paid(self, tx: Transaction, order: StoredOrder) -> None:
        """Its payment is final: the origin owes us."""
        self._post(tx, order.business_key("paid"), books.paid(order.deposit, self.l1))

    def claimed(self, tx: Transaction, transfer: str, value_wei: int) -> None:
        """A claim is final: its message is paid for."""
        self._post(tx, f"{transfer}:message", books.claimed(value_wei, self.l1))

    def closed(self, tx: Transaction, order: StoredOrder, l2: str, repaid: str) -> None:
        """The escrow has repaid it."""
        self._post(tx, order.business_key("closed"), books.closed(order.deposit, self.l1, l2, repaid))

    def refunded(self, tx: Transaction, key: str, amount_wei: int, l2: str) -> None:
        """A message has left so much of its fee."""
        self._post(tx, key, books.refunded(amount_wei, l2))

    def lose(self, tx: Transaction, order: StoredOrder) -> StoredOrder:
        """What is owed for it is lost, unless it is already."""
        if order.is_lost:
            return order
        marked = self._orders.lost(tx, order, is_lost=True)
        self._post(tx, order.business_key("lost", marked.losses), books.given_up(order.deposit, self.l1))
        self._treasury.await_arrival(tx, order.business_key("repaid"), self._clock.now(), is_awaited=False)
        return marked

    def recover(self, tx: Transaction, order: StoredOrder) -> StoredOrder:
        """What was lost is owed again, if it was."""
        if not order.is_lost:
            return order
        self._post(tx, order.business_key("recovered", order.losses), books.found(order.deposit, self.l1))
        self._treasury.await_arrival(tx, order.business_key("repaid"), self._clock.now(), is_awaited=True)
        return self._orders.lost(tx, order, is_lost=False)

    def spendable_wei(self, tx: Transaction, signer: str) -> int:
        """What the signer's wallet holds, less what is recorded to leave it; nothing before its books are open."""
        try:
            return self._ledger.balance(tx, f"{SERVICE}:wallet:{signer}", self.l1)
        except AccountNotOpen:
            return 0

    def _post(self, tx: Transaction, key: str, lines: Sequence[Line]) -> None:
        if not lines:
            return
        self._open(tx, {Account(name=one.account, asset=one.asset, may_go_negative=_may(one)) for one in lines})
        postings = [Posting(one.account, one.asset, one.amount) for one in lines]
        self._ledger.post(tx, business_key=key, service=SERVICE, postings=postings)

    def _open(self, tx: Transaction, accounts: set[Account]) -> None:
        missing = accounts - self._opened
        if missing:
            self._ledger.open(tx, missing)
            tx.after_commit(lambda: self._opened.update(missing))


def _may(line: Line) -> bool:
    return line.account in books.NEGATIVE
