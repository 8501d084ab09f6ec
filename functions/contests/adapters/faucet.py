"""The faucet of a test network: grants asked for over HTTP, an hourly check, and what it takes back.

1. `look` reads the faucet's balance, by quorum, outside of any transaction.
2. `grant` holds the faucet's row, so that no two grants count on the same lamports; then the address's pause, the
   grant's row and its transaction in the outbox commit together. The same request key is the same grant.
3. `check`, every hour: the third low one in a row reads the test wallets and records what they give back.

The fee payer pays every fee, so a swept wallet keeps to the lamport what it should.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.contests.adapters.effects import Effect, Effects
from functions.contests.adapters.pools import OUTSIDE, SERVICE
from functions.contests.core.faucet import (
    GRANT_LAMPORTS,
    MAINNET,
    FaucetAskedAgain,
    FaucetEmpty,
    after_check,
    can_grant,
    may_be_granted,
    require_faucet,
    taken_back,
    wait_s,
)
from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.keys.solana import checked_address
from kernel.ledger import Account, Ledger, Posting
from kernel.outbox.solana import SolanaEntry, State
from kernel.postgres import Postgres, Queries, Transaction
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import system_transfer

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("faucet.sql"))
#: What the faucet's transactions are called in the outbox and in the books.
PREFIX: Final = "contests:faucet:"
FAUCET: Final = "contests:faucet"
#: A reading of the balance may be as much behind what is final.
READING_AGE: Final = timedelta(minutes=1)
#: Wallets whose balances are asked for at once.
PAGE: Final = 100


class FaucetRequestChanged(Conflict):
    """This key belongs to another request to the faucet."""

    cause = "The same Idempotency-Key came with another address."
    remedy = "Give a different request a different key."


class FaucetGrantUnknown(NotFound):
    """The faucet has granted no such thing."""

    cause = "The id is misspelt, or the request was refused."
    remedy = "Take the id from the answer to the request."


@dataclass(frozen=True, slots=True)
class FaucetSeen:
    """The faucet's balance, and since when it is surely as new as that."""

    lamports: int
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FaucetTransfer:
    """A grant or a sweep as stored, and what the outbox says of it."""

    id: UUID
    kind: str
    address: str
    lamports: int
    asked_at: datetime
    state: str
    signature: str | None
    settled_at: datetime | None


class Faucet:
    """One faucet on one test network; on mainnet every method refuses."""

    def __init__(
        self, postgres: Postgres, pool: SolanaPool, effects: Effects, clock: Clock, *, cluster: str, faucet: str | None
    ) -> None:
        self._postgres, self._pool, self._effects, self._clock = postgres, pool, effects, clock
        self._cluster, self._configured = cluster, faucet

    @property
    def address(self) -> str:
        """Its wallet. Raises FaucetRefused."""
        return require_faucet(self._cluster, self._configured)

    @property
    def is_open(self) -> bool:
        """Whether there is one here."""
        return self._configured is not None and self._cluster != MAINNET

    def look(self) -> FaucetSeen:
        """What it holds. Raises FaucetRefused, NoQuorum, RpcUnavailable."""
        address, now = self.address, self._clock.now()
        return FaucetSeen(self._pool.agreed_balance_lamports(address), now - READING_AGE)

    def grant(self, request_key: str, address: str, seen: FaucetSeen) -> FaucetTransfer:
        """Give an address its lamports, once under this key.

        Raises FaucetRefused, FaucetAskedAgain, FaucetEmpty, FaucetRequestChanged, SolanaAddressInvalid, ServiceHalted.
        """
        recipient, faucet = checked_address(address), self.address
        with self._postgres.transaction() as tx:
            tx.one(Q["lock_faucet"])
            known = tx.maybe(Q["transfer_by_request"], request_key=request_key)
            if known is not None:
                return _same(known, recipient)
            self._take_turn(tx, recipient, seen)
            return self._record(tx, "grant", request_key, faucet, recipient, GRANT_LAMPORTS)

    def transfer(self, transfer_id: UUID) -> FaucetTransfer:
        """A grant or a sweep as it stands. Raises FaucetGrantUnknown."""
        row = self._postgres.glance.maybe(Q["transfer"], id=transfer_id)
        if row is None:
            raise FaucetGrantUnknown(grant=str(transfer_id))
        return _transfer(row)

    def check(self, seen: FaucetSeen) -> int:
        """Count a check, and take back what is due; how many wallets give. Raises NoQuorum, RpcUnavailable."""
        with self._postgres.transaction() as tx:
            standing = tx.one(Q["lock_faucet"])
            after = after_check(standing["low_checks"], seen.lamports, self._leaving(tx, seen))
            row = {"balance_lamports": seen.lamports, "low_checks": after.low_checks, "swept": int(after.is_sweep_due)}
            tx.execute(Q["move_faucet"], **row, now=self._clock.now())
        return self._sweep(standing["sweeps"] + 1) if after.is_sweep_due else 0

    def _sweep(self, number: int) -> int:
        """Take back from every test wallet that has more than it should, a page at a time."""
        after, swept = 0, 0
        while True:
            with self._postgres.transaction() as tx:
                page = tx.all(Q["test_wallets"], after=after, limit=PAGE)
            if not page:
                return swept
            accounts = self._pool.agreed_accounts([row["address"] for row in page])
            amounts = {
                row["address"]: taken_back(0 if account is None else account.lamports)
                for row, account in zip(page, accounts, strict=True)
            }
            with self._postgres.transaction() as tx:
                tx.one(Q["lock_faucet"])
                swept += sum(self._take(tx, number, address, lamports) for address, lamports in amounts.items())
            after = page[-1]["number"]

    def _take(self, tx: Transaction, number: int, address: str, lamports: int) -> bool:
        """Once in each sweep."""
        request_key = f"sweep:{number}:{address}"
        if not lamports or tx.maybe(Q["transfer_by_request"], request_key=request_key) is not None:
            return False
        self._record(tx, "sweep", request_key, address, self.address, lamports)
        return True

    def _take_turn(self, tx: Transaction, recipient: str, seen: FaucetSeen) -> None:
        now, last = self._clock.now(), tx.maybe(Q["recipient"], address=recipient)
        granted_at = None if last is None else last["granted_at"]
        if granted_at is not None and not may_be_granted(granted_at, now):
            raise FaucetAskedAgain(wait_s=wait_s(granted_at, now))
        if not can_grant(seen.lamports, self._leaving(tx, seen)):
            raise FaucetEmpty
        tx.execute(Q["remember_recipient"], address=recipient, now=now)

    def _leaving(self, tx: Transaction, seen: FaucetSeen) -> int:
        lamports: int = tx.one(Q["leaving"], since=seen.read_at)["lamports"]
        return lamports

    def _record(
        self, tx: Transaction, kind: str, request_key: str, payer: str, payee: str, lamports: int
    ) -> FaucetTransfer:
        transfer_id = new_id()
        entry_key = f"{PREFIX}{kind}:{transfer_id}"
        transfer = system_transfer(payer, payee, lamports)
        self._effects.record(tx, [Effect(key=entry_key, wallet=payer, instructions=(transfer,))])
        named = payee if kind == "grant" else payer
        row = {"id": transfer_id, "kind": kind, "request_key": request_key, "address": named, "lamports": lamports}
        tx.execute(Q["add_transfer"], **row, entry_key=entry_key, now=self._clock.now())
        return _transfer(tx.one(Q["transfer"], id=transfer_id))


class FaucetBooks:
    """What the faucet gave and took, in the books: by the function that signs, in the commit that ends a transfer."""

    def __init__(self, ledger: Ledger, asset: str) -> None:
        self._ledger, self._asset = ledger, asset

    def ended(self, tx: Transaction, entry: SolanaEntry) -> None:
        """Book a transfer that arrived; one that came to nothing moved nothing."""
        if entry.state != State.CONFIRMED:
            return
        row = tx.one(Q["transfer_of_entry"], entry_key=entry.business_key)
        amount = row["lamports"] if row["kind"] == "sweep" else -row["lamports"]
        accounts = [Account(name=name, asset=self._asset, may_go_negative=True) for name in (FAUCET, OUTSIDE)]
        self._ledger.open(tx, accounts)
        postings = [Posting(FAUCET, self._asset, amount), Posting(OUTSIDE, self._asset, -amount)]
        self._ledger.post(tx, business_key=entry.business_key, service=SERVICE, postings=postings)


def faucet_of(deps: Deps) -> Faucet:
    """As this container is set up."""
    settings = deps.settings
    return Faucet(
        deps.kernel.postgres,
        deps.pool,
        deps.effects,
        deps.clock,
        cluster=settings.cluster,
        faucet=settings.faucet,
    )


def _same(row: Mapping[str, Any], recipient: str) -> FaucetTransfer:
    if row["address"] != recipient:
        raise FaucetRequestChanged(id=str(row["id"]))
    return _transfer(row)


def _transfer(row: Mapping[str, Any]) -> FaucetTransfer:
    return FaucetTransfer(**{name: row[name] for name in FaucetTransfer.__slots__})
