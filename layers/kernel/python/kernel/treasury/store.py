"""Owns the treasury in Postgres: wallets, transfers and readings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kernel.postgres import Queries, Transaction
from kernel.treasury.inlets import Deposit
from kernel.treasury.movements import Ending, Order, Transfer, moved
from kernel.treasury.reconciliation import Books, Pending, Sighting, Verdict
from kernel.treasury.wallets import OperatorWallet, WalletOwned, WalletRecord, WalletUnknown

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class TreasuryStore:
    """The three tables of the treasury. Every method works in the caller's transaction."""

    def declare(self, tx: Transaction, wallet: OperatorWallet, now: datetime) -> WalletRecord:
        """A new wallet, or new floors of a declared one. Raises WalletOwned when it is another service's."""
        columns = {name: getattr(wallet, name) for name in OperatorWallet.__slots__}
        stored = WalletRecord.from_row(tx.one(Q["declare_wallet"], **columns, now=now))
        if stored.service != wallet.service:
            raise WalletOwned(service=stored.service)
        return stored

    def wallets(self, tx: Transaction) -> list[WalletRecord]:
        """Every wallet, by chain and service."""
        return [WalletRecord.from_row(row) for row in tx.all(Q["wallets"])]

    def wallet(self, tx: Transaction, chain: str, address: str, *, lock: bool = False) -> WalletRecord:
        """One wallet, held until the commit if asked for. Raises WalletUnknown."""
        found = self.maybe_wallet(tx, chain, address, lock=lock)
        if found is None:
            raise WalletUnknown(chain=chain, address=address)
        return found

    def maybe_wallet(self, tx: Transaction, chain: str, address: str, *, lock: bool = False) -> WalletRecord | None:
        """The same, or None."""
        row = tx.maybe(Q["lock_wallet" if lock else "wallet"], chain=chain, address=address)
        return None if row is None else WalletRecord.from_row(row)

    def open(self, tx: Transaction, wallet: WalletRecord, sighting: Sighting, now: datetime) -> None:
        """Keep what the wallet's books begin with."""
        at = {"block": sighting.block, "balance": sighting.balance, "transactions": sighting.transactions}
        tx.execute(Q["open_wallet"], chain=wallet.chain, address=wallet.address, **at, now=now)

    def last_block(self, tx: Transaction, wallet: WalletRecord) -> int:
        """The newest block of which something is booked."""
        place = {"chain": wallet.chain, "address": wallet.address}
        return int(tx.one(Q["last_block"], **place, opened_block=wallet.opened_block)["block"])

    def store_reading(
        self,
        tx: Transaction,
        wallet: WalletRecord,
        sighting: Sighting,
        books: Books,
        verdict: Verdict,
        alarms: Sequence[str],
        now: datetime,
    ) -> None:
        """Keep what a check found; a row of its own where it is not what the one before found."""
        found = {
            "chain": wallet.chain,
            "address": wallet.address,
            "block": sighting.block,
            "chain_balance": sighting.balance,
            "verdict": verdict.verdict,
            "difference": verdict.amount,
            "reason": verdict.reason,
            "now": now,
        }
        is_awaited = isinstance(verdict, Pending) and verdict.is_awaited
        checked = sighting.transactions if books.unbooked == 0 else None
        tx.execute(Q["store_reading"], **found, alarms=list(alarms), checked_nonce=checked, is_awaited=is_awaited)
        if (wallet.verdict, wallet.difference) != (verdict.verdict, verdict.amount):
            tx.execute(Q["add_reading"], **found, expected=books.expected)

    def book_difference(self, tx: Transaction, wallet: WalletRecord, now: datetime) -> None:
        """The wallet's difference is in the books; it is read again before another can be booked."""
        tx.execute(Q["book_difference"], chain=wallet.chain, address=wallet.address, now=now)

    def transfer(self, tx: Transaction, key: str, *, lock: bool = False) -> Transfer | None:
        """A transfer by its key; with `lock`, alone with the key until the commit, whether it is used or not."""
        if lock:
            tx.execute(Q["lock_transfer_key"], key=key)
        row = tx.maybe(Q["transfer"], key=key)
        return None if row is None else Transfer.from_row(row)

    def transfer_of(self, tx: Transaction, entry_id: UUID) -> Transfer | None:
        """The transfer that an outbox entry belongs to, held until the commit."""
        row = tx.maybe(Q["transfer_by_entry"], entry_id=entry_id)
        return None if row is None else Transfer.from_row(row)

    def record(
        self, tx: Transaction, order: Order, wallet: WalletRecord, *, entry_id: UUID, reserve: int, now: datetime
    ) -> Transfer:
        """Keep a transfer that was asked for."""
        asked = {name: getattr(order, name) for name in Order.__slots__ if name != "call"}
        told = {"service": wallet.service, "entry_id": entry_id, "reserve": reserve}
        return Transfer.from_row(tx.one(Q["record_transfer"], **asked, **told, now=now))

    def settle(self, tx: Transaction, transfer: Transfer, ending: Ending, now: datetime) -> None:
        """Keep how a transfer ended."""
        paid = moved(transfer, ending)
        end = {"state": str(ending.state), "block": ending.block, "fee": ending.fee, "paid": paid}
        tx.execute(Q["settle_transfer"], key=transfer.key, transaction_id=ending.transaction_id, **end, now=now)

    def record_deposit(self, tx: Transaction, deposit: Deposit, now: datetime) -> tuple[Deposit, bool]:
        """Keep a deposit, and whether it is new: one that is kept already stays as it is."""
        known = tx.maybe(Q["deposit"], key=deposit.key)
        if known is not None:
            return Deposit.from_row(known), False
        columns = {name: getattr(deposit, name) for name in Deposit.__slots__}
        return Deposit.from_row(tx.one(Q["record_deposit"], **columns, now=now)), True

    def expect(self, tx: Transaction, chain: str, wallet: str, arrivals: Mapping[str, int], now: datetime) -> None:
        """Keep what will come to a wallet, if its books are open."""
        named = {"keys": list(arrivals), "amounts": list(arrivals.values())}
        tx.execute(Q["expect_arrivals"], chain=chain, wallet=wallet, **named, now=now)

    def await_arrival(self, tx: Transaction, key: str, now: datetime, *, is_awaited: bool) -> None:
        """Wait for what was expected no longer, or again, unless it has come."""
        tx.execute(Q["await_arrival"], key=key, is_awaited=is_awaited, now=now)

    def top_ups(self, tx: Transaction, wallet: WalletRecord) -> tuple[int, int]:
        """How many top-ups the wallet ever had, and how many are on their way."""
        row = tx.one(Q["top_ups"], chain=wallet.chain, address=wallet.address)
        return int(row["ever"]), int(row["under_way"])


def books_of(tx: Transaction, query: str, wallet: WalletRecord, **at: Any) -> Books:
    """A wallet's books as a query of a chain family gives them."""
    place = {"chain": wallet.chain, "address": wallet.address, "asset": wallet.asset}
    row = tx.one(query, **place, account=wallet.account, in_transit=wallet.in_transit, **at)
    return Books(**{name: int(amount) for name, amount in row.items()})
