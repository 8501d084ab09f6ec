"""Contests' wallets in the books and on the chain: what each should hold, what it holds, and whether both stand still.

The two may only be compared while nothing is on its way from the wallet, and only if the chain is read no earlier than
at the newest slot that the books know of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.contests import StoredContest, stored_contest
from functions.contests.adapters.obligations import Obligations
from functions.contests.adapters.pools import Pools
from kernel.errors import NotFound
from kernel.postgres import Queries, Statements, Transaction
from kernel.solana.pool import SolanaPool

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("wallet_books.sql"))


class NotOurWallet(NotFound):
    """We hold no key of this wallet."""

    cause = "The address is misspelt, or the wallet is not one of the contests' or the treasury's fee payer."
    remedy = "Take addresses from GET /v1/contests/admin/balances."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A contest's wallet in the books. unpaid: what is still to leave it. slot: the newest that they know of."""

    booked: int
    unpaid: int
    is_busy: bool
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A wallet that no contest gets any more, and the contest that has it."""

    address: str
    contest_id: UUID | None
    retired_at: datetime


class WalletBooks:
    """Every contest's wallet."""

    def __init__(self, pool: SolanaPool, obligations: Obligations, pools: Pools) -> None:
        self._pool, self._obligations, self._pools = pool, obligations, pools

    def standing(self, tx: Transaction, contest: StoredContest) -> Standing:
        """As of this transaction; nothing moves it while the contest's row is held."""
        row = tx.one(Q["standing"], contest_id=contest.id, wallet=contest.wallet)
        booked, unpaid = self._pools.balance(tx, contest.id), sum(self._obligations.unpaid(tx, contest.id))
        return Standing(booked=booked, unpaid=unpaid, is_busy=row["is_busy"], slot=row["slot"])

    def contest_of(self, tx: Statements, wallet: str) -> StoredContest | None:
        """Whose wallet an address is; None for any other."""
        row = tx.maybe(Q["contest_of"], wallet=wallet)
        return None if row is None else stored_contest(row)

    def retire(self, tx: Transaction, address: str, now: datetime) -> Retired:
        """Give a wallet to no contest any more; a second time changes nothing. Raises NotOurWallet."""
        row = tx.maybe(Q["retire"], address=address, now=now)
        if row is None:
            raise NotOurWallet(address=address)
        return Retired(**row)

    def page(self, tx: Transaction, after: UUID, limit: int) -> list[StoredContest]:
        """Contests that have a wallet, behind one of them."""
        return [stored_contest(row) for row in tx.all(Q["wallets_page"], after=after, limit=limit)]

    def holdings(self, addresses: Iterable[str], *, as_of_slot: int = 0) -> dict[str, int]:
        """Finalized lamports, 0 for an account that does not exist. Raises NoQuorum, RpcUnavailable."""
        asked = sorted(addresses)
        accounts = self._pool.agreed_accounts(asked, as_of_slot=as_of_slot) if asked else []
        return {
            address: 0 if account is None else account.lamports
            for address, account in zip(asked, accounts, strict=True)
        }


def wallet_books_of(deps: Deps) -> WalletBooks:
    """As this container is set up."""
    return WalletBooks(deps.pool, deps.obligations, deps.pools)
