"""Payments under test, without a chain: handlers under the slice's role, a cluster of balances, and ends by hand."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from functions.contests import (
    cron_rake,
    queue_pay_prizes,
    queue_refund_entries,
    queue_submit_contests_transaction,
)
from functions.contests.adapters.effects import SUBMIT
from functions.contests.adapters.obligations import Line
from functions.contests.adapters.pay_steps import PAY, REFUND
from functions.contests.core.obligation import Kind
from functions.contests.wiring import ROLE
from infra.local.settings import ROOT
from kernel.outbox.solana import State
from kernel.outbox.solana.store import SolanaOutboxStore
from tests.handlers.contests.custody import Context
from tests.handlers.contests.strongroom import RECIPIENTS, SOL, Strongroom

HANDLERS = {
    PAY: queue_pay_prizes.handler,
    REFUND: queue_refund_entries.handler,
    SUBMIT: queue_submit_contests_transaction.handler,
}


class Paydesk:
    """One contest of a wallet with so much, and what it owes."""

    def __init__(self, room: Strongroom, state: str, lamports: int) -> None:
        self.room, self.custody, self.rows = room, room.custody, room.rows
        self.wallet = room.wallet(1, lamports)
        self.contest = room.contest(self.wallet, state, lamports)
        self.deps = self.custody.deps(ROLE)
        self._ended: set[UUID] = set()

    @classmethod
    @contextmanager
    def open(cls, database_url: str, state: str, lamports: int = SOL) -> Iterator["Paydesk"]:
        """Everybody exists, with a SOL each."""
        with Strongroom.open(database_url) as room:
            room.balances.lamports |= dict.fromkeys(RECIPIENTS, SOL)
            yield cls(room, state, lamports)

    def owe(self, kind: Kind, amounts: Sequence[int], rest: int) -> None:
        """A line for each amount, to the recipients in turn."""
        lines = [Line(n, RECIPIENTS[n % len(RECIPIENTS)], lamports) for n, lamports in enumerate(amounts)]
        with self.deps.kernel.postgres.transaction() as tx:
            self.deps.obligations.owe(tx, self.contest, kind, lines, rest_lamports=rest)

    def run(self, kind: str) -> list[str]:
        """Deliver what is due of a kind; the tasks' states after that."""
        due = self.rows(
            "select id from kernel.tasks where kind = %(kind)s and state = 'ready' and run_at <= %(now)s order by id",
            kind=kind,
            now=self.custody.clock.now(),
        )
        return [self.custody.deliver(HANDLERS[kind], self.deps, task) for task in due]

    def rake(self) -> None:
        """The turn of the ten minutes."""
        event: dict[str, Any] = json.loads((ROOT / "events/contests/cron_rake.json").read_text())
        cron_rake.handler.bind(self.deps)(event, Context())

    def end(self, state: State, error: Any = None) -> None:
        """Whatever is on its way ends so."""
        for row in self.rows("select id from kernel.solana_outbox order by id"):
            if row["id"] not in self._ended:
                self._ended.add(row["id"])
                self.tell(row["id"], state, error)

    def tell(self, entry_id: UUID, state: State, error: Any = None) -> None:
        """What the outbox says of one entry's end."""
        entry = SolanaOutboxStore(self.custody.office).entry(entry_id)
        signature = f"signature of {entry.business_key}" if state == State.CONFIRMED else None
        told = replace(entry, state=state, error=error, signature=signature, slot=1_000, fee_lamports=10_000)
        with self.deps.kernel.postgres.transaction() as tx:
            self.deps.ends.settled(tx, told)

    def lines(self) -> list[tuple[str, int, str, int]]:
        """Kind, number, state and attempts of what is owed."""
        rows = self.rows("select kind, line, state, attempts from contests.obligations order by kind, line")
        return [(row["kind"], row["line"], row["state"], row["attempts"]) for row in rows]

    @property
    def state(self) -> str:
        """Where the contest is."""
        return str(self.rows("select state from contests.contests")[0]["state"])
