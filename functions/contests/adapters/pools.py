"""Contests' money in the books.

    contests:outside            entrants and winners; below zero by what they have paid in
    contests:pool:<contest>     what the contest's wallet holds of it; never below zero
    contests:treasury           what was swept, less what wallets were advanced

An entry comes in with its acceptance, a payment goes out when it is final: each in the commit that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from kernel.ledger import Account, AccountNotOpen, Ledger, Posting
from kernel.postgres import Transaction

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

SERVICE: Final = "contests"
OUTSIDE: Final = "contests:outside"
TREASURY: Final = "contests:treasury"


def pool_account(contest_id: UUID) -> str:
    """Where the books keep a contest's pool."""
    return f"contests:pool:{contest_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A transfer from or to contests' wallets; None for any other wallet, which is the treasury's or somebody's.

    found: what had come to the source beside what the books say.
    """

    source: UUID | None
    recipient: UUID | None
    lamports: int
    found: int
    is_treasurys: bool


class Pools:
    """The books of all contests, in lamports of one cluster."""

    def __init__(self, ledger: Ledger, asset: str) -> None:
        self._ledger, self._asset = ledger, asset

    def enter(self, tx: Transaction, contest_id: UUID, signature: str, lamports: int) -> None:
        """An entry fee has come in, by this transaction; once, however often it is told. Raises PostingsChanged."""
        self._open(tx, contest_id)
        self._move(tx, f"contests:entry:{signature}", {OUTSIDE: -lamports, pool_account(contest_id): lamports})

    def pay(self, tx: Transaction, contest_id: UUID, key: str, lamports: int) -> None:
        """A payout or a refund is final. Raises Overdrawn, PostingsChanged."""
        self._move(tx, key, {pool_account(contest_id): -lamports, OUTSIDE: lamports})

    def advance(self, tx: Transaction, contest_id: UUID, key: str, lamports: int) -> None:
        """The fee payer has lent the wallet its rent."""
        self._open(tx, contest_id)
        self._move(tx, key, {TREASURY: -lamports, pool_account(contest_id): lamports})

    def sweep(self, tx: Transaction, contest_id: UUID, key: str, lamports: int, *, found: int) -> None:
        """A sweep is final. found: what had come to the wallet beside its entries, and is booked with it."""
        self._open(tx, contest_id)
        self._find(tx, key, contest_id, found, lamports)
        self._move(tx, key, {pool_account(contest_id): -lamports, TREASURY: lamports})

    def move(self, tx: Transaction, key: str, moved: Moved) -> None:
        """An administrator's transfer is final; nothing where no contest's wallet took part."""
        source = None if moved.source is None else pool_account(moved.source)
        recipient = None if moved.recipient is None else pool_account(moved.recipient)
        if source == recipient:
            return
        for contest_id in (moved.source, moved.recipient):
            if contest_id is not None:
                self._open(tx, contest_id)
        if moved.source is not None:
            self._find(tx, key, moved.source, moved.found, moved.lamports)
        elsewhere = TREASURY if moved.is_treasurys else OUTSIDE
        self._move(tx, key, {source or elsewhere: -moved.lamports, recipient or elsewhere: moved.lamports})

    def balance(self, tx: Transaction, contest_id: UUID) -> int:
        """What a contest's wallet holds by the books; 0 where nobody has entered."""
        try:
            return self._ledger.balance(tx, pool_account(contest_id), self._asset)
        except AccountNotOpen:
            return 0

    def _open(self, tx: Transaction, contest_id: UUID) -> None:
        names = {OUTSIDE: True, TREASURY: True, pool_account(contest_id): False}
        self._ledger.open(
            tx, [Account(name=name, asset=self._asset, may_go_negative=may) for name, may in names.items()]
        )

    def _find(self, tx: Transaction, key: str, contest_id: UUID, found: int, lamports: int) -> None:
        """Book what came beside the entries: as it was found, and no less than what has left proves."""
        came = max(found, lamports - self.balance(tx, contest_id))
        if came > 0:
            self._move(tx, f"{key}:found", {OUTSIDE: -came, pool_account(contest_id): came})

    def _move(self, tx: Transaction, key: str, amounts: dict[str, int]) -> None:
        postings = [Posting(account, self._asset, amount) for account, amount in amounts.items()]
        self._ledger.post(tx, business_key=key, service=SERVICE, postings=postings)


def pools_of(deps: Deps) -> Pools:
    """As this container is set up."""
    return Pools(Ledger(deps.clock), deps.settings.asset)
