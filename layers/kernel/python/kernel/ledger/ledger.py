"""Owns the ledger in Postgres: accounts are opened, transactions posted once, balances and statements read.

The database keeps the law by itself: `kernel.ledger_post` is the only way in, a deferred constraint trigger refuses
what does not balance or has fewer than two postings, a check what would overdraw an account, and a trigger every change
of what was posted. A balance is a kept row, moved together with the posting that moves it.

Accounts are locked in one order until the caller's commit. That order holds within one `post`; whoever posts several
transactions in one database transaction may stand in another's way, which Postgres notices (DatabaseContention).
Post before you lease a nonce or record in an outbox, and commit soon.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from kernel.clock import Clock, SystemClock
from kernel.ids import new_id
from kernel.ledger.accounts import Account, AccountChanged, AccountNotOpen, Overdrawn
from kernel.ledger.postings import Posting, PostingsChanged, plan, same
from kernel.ledger.statements import Statement, page
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
LIMIT_MAX: Final = 1_000
OVERDRAWN: Final = "ledger_accounts_not_overdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Where what is kept differs from what the postings say."""

    kind: str
    subject: str
    kept: int
    computed: int


class Ledger:
    """The books of all services. Every method works in the caller's transaction."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def open(self, tx: Transaction, accounts: Iterable[Account]) -> None:
        """Open accounts, empty. Idempotent; raises AccountChanged when one is open under another rule."""
        now = self._clock.now()
        for account in sorted(set(accounts), key=lambda account: (account.name, account.asset)):
            rule = {"name": account.name, "asset": account.asset, "may_go_negative": account.may_go_negative}
            if not tx.execute(Q["open_account"], **rule, now=now) and tx.maybe(Q["same_account"], **rule) is None:
                raise AccountChanged(account=account.name, asset=account.asset)

    def post(
        self, tx: Transaction, *, business_key: str, service: str, postings: Iterable[Posting], memo: str = ""
    ) -> UUID:
        """Post one transaction in the caller's; its id. Posting the same again under its key changes nothing.

        Raises Unbalanced, PostingsUnfit, PostingsChanged, AccountNotOpen, Overdrawn; the database's refusals undo all.
        """
        planned = plan(postings)
        wanted = [{"account": one.account, "asset": one.asset, "amount": str(one.amount)} for one in planned]
        posted = self._post(tx, business_key, service, memo, wanted)
        if not posted["is_new"]:
            kept = tx.one(Q["transaction"], id=posted["id"])
            if kept["service"] != service or not same(tx.all(Q["postings"], transaction_id=posted["id"]), planned):
                raise PostingsChanged(business_key=business_key)
        return UUID(str(posted["id"]))

    def posted(self, tx: Transaction, business_key: str) -> tuple[Posting, ...] | None:
        """The postings under a business key, or None when there are none."""
        kept = tx.maybe(Q["transaction_by_key"], business_key=business_key)
        if kept is None:
            return None
        rows = tx.all(Q["postings"], transaction_id=kept["id"])
        return tuple(Posting(row["account"], row["asset"], int(row["amount"])) for row in rows)

    def balance(self, tx: Transaction, account: str, asset: str) -> int:
        """What the account holds. Raises AccountNotOpen."""
        return int(self._account(tx, account, asset)["balance"])

    def statement(
        self, tx: Transaction, account: str, asset: str, *, after: int | None = None, limit: int = 100
    ) -> Statement:
        """The account's postings behind the `after`th, oldest first, each with its running balance.

        Raises AccountNotOpen, and ValueError for a limit outside 1 to 1 000.
        """
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"a page has 1 to {LIMIT_MAX} lines, not {limit}")
        kept = self._account(tx, account, asset)
        lines = tx.all(Q["statement"], account=account, asset=asset, after=after or 0, limit=limit + 1)
        return page(kept, lines, limit)

    def discrepancies(self, tx: Transaction, limit: int = 100) -> list[Discrepancy]:
        """Balances, running balances and sums computed anew from all postings, where they differ from what is kept.

        Reads every posting: for audits and tests, not for the hot path. A sound ledger has none.
        """
        rows = tx.all(Q["discrepancies"], limit=limit)
        return [Discrepancy(**{**row, "kept": int(row["kept"]), "computed": int(row["computed"])}) for row in rows]

    def _account(self, tx: Transaction, account: str, asset: str) -> dict[str, Any]:
        row = tx.maybe(Q["account"], name=account, asset=asset)
        if row is None:
            raise AccountNotOpen(account=account, asset=asset)
        return row

    def _post(
        self, tx: Transaction, business_key: str, service: str, memo: str, wanted: list[dict[str, str]]
    ) -> dict[str, Any]:
        try:
            return tx.one(
                Q["post"],
                id=new_id(),
                business_key=business_key,
                service=service,
                memo=memo[:500],
                now=self._clock.now(),
                postings=psycopg.types.json.Jsonb(wanted),
            )
        except psycopg.errors.CheckViolation as refused:
            if refused.diag.constraint_name != OVERDRAWN:
                raise
            raise Overdrawn(business_key=business_key) from refused
        except psycopg.errors.ForeignKeyViolation as unknown:
            raise AccountNotOpen(business_key=business_key, reason=unknown.diag.message_primary) from unknown
