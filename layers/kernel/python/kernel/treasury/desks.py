"""Owns what the treasury asks of a chain, whichever family it is of."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from kernel.postgres import Transaction
from kernel.treasury.movements import Call, Ending, Order, SolanaCall
from kernel.treasury.reconciliation import Books, Sighting
from kernel.treasury.wallets import WalletRecord


class Desk(Protocol):
    """One chain: transfers are recorded in its outbox, wallets are read by a quorum of its RPC endpoints."""

    def address(self, text: str) -> str:
        """The address in its one form. Raises AddressUnfit."""
        ...

    def reserve(self, call: Call | SolanaCall | None = None) -> int:
        """The most that a transfer, or this call, can cost beside its amount. ValueError for another family's call."""
        ...

    def record(self, tx: Transaction, order: Order) -> UUID:
        """Record the transfer in the outbox, in the caller's transaction; the entry's id. Raises ServiceHalted."""
        ...

    def prepare(self, address: str) -> None:
        """Do what makes a wallet's first transfer need no RPC."""
        ...

    def sight(self, address: str, least_block: int) -> Sighting:
        """The wallet at a final block, not before `least_block`. Raises NoQuorum, RpcUnavailable."""
        ...

    def is_quiet(self, tx: Transaction, address: str, sighting: Sighting) -> bool:
        """Whether the books may begin at the sighting: nothing from before can come after it."""
        ...

    def books(self, tx: Transaction, wallet: WalletRecord, sighting: Sighting) -> Books:
        """The wallet in our books, brought back to the sighting's block."""
        ...

    def unbooked(self, tx: Transaction, wallet: WalletRecord, limit: int) -> list[Ending]:
        """Settled transactions of the wallet that its service sent by itself and that are in no books."""
        ...


Desks = Callable[[str], Desk]
