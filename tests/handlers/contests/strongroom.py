"""Administrators at work: the admin role's container over a cluster that only has balances, and people of each role."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from functions.contests import http_admin, queue_seal_export
from functions.contests.adapters.pools import pool_account
from functions.contests.wiring import ADMIN_ROLE
from infra.local.runner.events import HttpCall, http_event
from kernel.auth import Role
from kernel.ids import new_id
from kernel.keys.solana import LocalSolanaSigner
from kernel.ledger import Account, Ledger, Posting
from kernel.solana.transactions import Instruction
from tests.handlers.contests.custody import CHAIN, SITE, Answer, Balances, Context, Custody
from tests.handlers.contests.market_stage import EVENT

SOL = 10**9
ASSET = f"{CHAIN}:native"
RECIPIENTS = [LocalSolanaSigner(bytes([n]) * 32).address for n in range(100, 110)]
CONTEST = """
    insert into contests.contests (id, name, state, wallet, fee_lamports, entrants_min, entrants_max, starts_at,
                                   ends_at, stake_micros, shares_bps, rake_bps, entrants, pool_lamports, created_at,
                                   moved_at)
    values (%(id)s, 'duel', %(state)s, %(wallet)s, 100, 2, 10, %(now)s, %(now)s + interval '1 hour', 1, '{}', 0, 0, 0,
            %(now)s, %(now)s)
"""
WALLET = """
    insert into contests.contest_wallets (address, origin, created_at) values (%(wallet)s, 'generated', %(now)s)
"""
OBLIGATION = """
    insert into contests.obligations (contest_id, kind, line, wallet, lamports, state, attempts, tries, reason, due_at,
                                      looked_at, owed_at, moved_at)
    values (%(id)s, 'payout', %(line)s, %(wallet)s, %(lamports)s, %(state)s, 4, 4, 'why', %(now)s, %(now)s, %(now)s,
            %(now)s)
"""


class Strongroom:
    """One deployment, as administrators see it."""

    def __init__(self, custody: Custody, balances: Balances) -> None:
        self.custody, self.balances = custody, balances
        self.deps = custody.container(ADMIN_ROLE)
        self.rows = custody.rows

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator["Strongroom"]:
        """Nothing done yet."""
        with Custody.open(database_url) as (custody, balances):
            room = cls(custody, balances)
            yield room
            room.deps.close()

    def wallet(self, seed: int, lamports: int) -> str:
        """A wallet whose key we hold."""
        address = self.custody.vault.keep(bytes([seed]) * 32, purpose="contests", chain=CHAIN, actor="a test")
        self.balances.lamports[address] = lamports
        self.custody.change(WALLET, wallet=address, now=self.custody.clock.now())
        return address

    def contest(self, wallet: str, state: str, booked: int) -> UUID:
        """A contest of that wallet, with so much in the books."""
        contest_id, now = new_id(), self.custody.clock.now()
        self.custody.change(CONTEST, id=contest_id, state=state, wallet=wallet, now=now)
        ledger, pool = Ledger(self.custody.clock), pool_account(contest_id)
        names = (pool, "contests:outside")
        with self.custody.office.transaction() as tx:
            ledger.open(tx, [Account(name=name, asset=ASSET, may_go_negative=name != pool) for name in names])
            postings = [Posting(name, ASSET, sign * booked) for name, sign in zip(names, (1, -1), strict=True)]
            ledger.post(tx, business_key=f"opened {contest_id}", service="contests", postings=postings)
        return contest_id

    def owed(self, contest_id: UUID, line: int, lamports: int, state: str) -> None:
        """A payout that has stopped."""
        row = {"id": contest_id, "line": line, "lamports": lamports, "state": state}
        self.custody.change(OBLIGATION, **row, wallet=RECIPIENTS[line], now=self.custody.clock.now())

    def http(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        who: str = "ada",
        role: Role = Role.ADMIN,
    ) -> Answer:
        """Status and body."""
        token = self.deps.kernel.tokens.issue(who, role=role)
        headers = [("content-type", "application/json"), ("host", SITE.domain), ("authorization", f"Bearer {token}")]
        path, _, query = path.partition("?")
        call = HttpCall(
            method=method,
            path=path,
            query=query,
            headers=headers if key is None else [*headers, ("idempotency-key", key)],
            body=b"" if body is None else json.dumps(body).encode(),
            source_ip="203.0.113.7",
            request_id="f7ba6f6a12b795f=",
            at=self.custody.clock.now(),
        )
        answer = http_admin.handler.bind(self.deps)(http_event(SITE, call, f"{method} {path}", {}), Context())
        return answer["statusCode"], json.loads(answer["body"])

    def seal(self) -> list[tuple[str, str | None]]:
        """Deliver the messages of exports that were agreed to; states and errors of their tasks."""
        where = "from kernel.tasks where kind = 'contests.seal_export' order by id"
        for row in self.rows(f"select id {where}"):
            record = {**EVENT, "body": json.dumps({"task_id": str(row["id"])})}
            queue_seal_export.handler.bind(self.deps)({"Records": [record]}, Context())
        return [(row["state"], row["error_code"]) for row in self.rows(f"select state, error_code {where}")]

    def instructions(self) -> list[list[Instruction]]:
        """What the cluster is owed, oldest first."""
        rows = self.rows("select instructions from kernel.solana_outbox order by id")
        return [[Instruction.from_json(one) for one in row["instructions"]] for row in rows]

    def acts(self) -> list[tuple[str, str]]:
        """Who did what, as the audit log has it; sealing keys is left out."""
        rows = self.rows("select actor, action from kernel.audit_log where action like 'contests.%%' order by seq")
        return [(row["actor"].removeprefix("person:"), row["action"]) for row in rows]
