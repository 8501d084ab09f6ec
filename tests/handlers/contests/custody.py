"""Custody under test: each handler under its own database role, one key service, a cluster that only has balances."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.contests import (
    cron_faucet,
    cron_generate_wallets,
    cron_top_up_vanity,
    http_faucet,
    queue_assign_wallet,
    queue_collect_vanity,
)
from functions.contests.adapters.contests import Terms
from functions.contests.adapters.vanity_pool import COLLECT
from functions.contests.adapters.wallet_steps import ASSIGN, assignment
from functions.contests.wiring import ROLE, VANITY_ROLE, WALLETS_ROLE, KeyDeps, Settings
from functions.ops import queue_poll_offload
from functions.ops import wiring as ops
from infra.local.runner.events import ApiSite, HttpCall, http_event
from kernel.auth import Role
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.testing import FakeClock, InMemoryKms
from kernel.testing.kernel import FakedKernel
from tests.integration.cursors.cluster import FINAL_SLOT, Cluster, Gaps

Answer = tuple[int, dict[str, Any]]
CHAIN, FEE_PAYER = "solana:localnet", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
FAUCET_SEED: Final = bytes(range(32))
SITE: Final = ApiSite(api_id="a1b2c3d4e5", domain="a1b2c3d4e5.execute-api.test", stage="$default", account="1")
TICK: Final = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))
RECORD: Final = json.loads(Path("events/ops/queue_poll_offload.json").read_text(encoding="utf-8"))["Records"][0]
#: One key in 58: found in milliseconds.
SHORT: Final = '[{"letters": "z", "place": "suffix", "is_case_sensitive": true, "target": 3}]'


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 20_000


class Balances(Cluster):
    """A cluster that tells balances."""

    def __init__(self) -> None:
        super().__init__()
        self.lamports: dict[str, int] = {}

    def _get_balance(self, _: Gaps, address: str, __: object) -> dict[str, Any]:
        return {"context": {"slot": FINAL_SLOT}, "value": self.lamports.get(address, 0)}

    def _get_multiple_accounts(self, _: Gaps, addresses: list[str], __: object) -> dict[str, Any]:
        empty = {"owner": "1" * 32, "data": ["", "base64"], "executable": False}
        told = [{"lamports": self.lamports[one], **empty} if one in self.lamports else None for one in addresses]
        return {"context": {"slot": FINAL_SLOT}, "value": told}


class Custody:
    """One deployment: a kernel for each database role, which share their fakes."""

    def __init__(self, database_url: str, rpc_url: str, *, kms: InMemoryKms | None = None, **changes: Any) -> None:
        """kms: another key service than that of the fakes."""
        self.clock, self._url = FakeClock(), database_url
        first = self.faked(ROLE)
        first.key_service = kms or first.key_service
        self.kernels = {ROLE: first}
        self.kernels |= {role: self._kernel(role) for role in ROLES if role != ROLE}
        self.office = Postgres(database_url, self.clock)
        self.vault = Vault(self.office, first.envelope, self.clock)
        self.faucet = self.vault.keep(FAUCET_SEED, purpose="contests", chain=CHAIN, actor="a test")
        given = {"cluster": "localnet", "rpc_urls": f"plain:{rpc_url}", "fee_payer": FEE_PAYER, "faucet": self.faucet}
        self.settings = Settings(**{**given, "vanity_patterns": SHORT, **changes})

    @classmethod
    @contextmanager
    def open(cls, database_url: str, **changes: Any) -> Iterator[tuple["Custody", Balances]]:
        """Nothing done yet."""
        with ExitStack() as stack:
            balances = Balances()
            custody = cls(database_url, stack.enter_context(balances.endpoint(Gaps())), **changes)
            stack.callback(custody.close)
            yield custody, balances

    def close(self) -> None:
        """Leave."""
        self.office.close()
        for kernel in self.kernels.values():
            kernel.close()

    def deps(self, role: str) -> KeyDeps:
        """A container of a role."""
        return KeyDeps(self.kernels[role], self.settings)

    def container(self, role: str) -> KeyDeps:
        """One more, with a connection of its own."""
        return KeyDeps(self._kernel(role), self.settings)

    def faked(self, role: str) -> Any:
        """A kernel of its own."""
        return FakedKernel(self._url, role=role, clock=self.clock)

    def _kernel(self, role: str) -> Any:
        first, kernel = self.kernels[ROLE], self.faked(role)
        kernel.key_service, kernel.objects, kernel.queues = first.key_service, first.objects, first.queues
        return kernel

    def tick(self, handler: Any, role: str) -> None:
        """A schedule's turn."""
        handler.bind(self.deps(role))(TICK, Context())

    def generate(self) -> None:
        """The turn of five minutes."""
        self.tick(cron_generate_wallets.handler, WALLETS_ROLE)

    def top_up(self) -> None:
        """The turn of a minute."""
        self.tick(cron_top_up_vanity.handler, VANITY_ROLE)

    def check_faucet(self) -> None:
        """The turn of an hour."""
        self.tick(cron_faucet.handler, WALLETS_ROLE)

    def grind(self) -> list[str]:
        """Poll every open computation once; the state of each task."""
        kernel = self.kernels["counterpart_ops"]
        return [
            self.deliver(queue_poll_offload.handler, ops.Deps(kernel, ops.Settings()), row)
            for row in self.due("ops.poll_offload")
        ]

    def collect(self) -> list[str]:
        """Take in what was found."""
        return [self.deliver(queue_collect_vanity.handler, self.deps(VANITY_ROLE), row) for row in self.due(COLLECT)]

    def fill_pool(self) -> list[str]:
        """Search until the pool is full; its addresses in the order in which they came."""
        self.top_up()
        self.grind()
        self.collect()
        return [row["address"] for row in self.rows("select address from contests.vanity_pool order by number")]

    def announce(self) -> UUID:
        """A contest of tomorrow, with the task that gives it its wallet."""
        now, deps = self.clock.now(), self.deps(ROLE)
        terms = Terms(
            name="duel",
            fee_lamports=10**8,
            entrants_min=2,
            entrants_max=100,
            starts_at=now + timedelta(days=1),
            ends_at=now + timedelta(days=2),
            stake_micros=10**9,
            shares_bps=(6_900, 2_000, 1_100),
            rake_bps=1_000,
        )
        with deps.kernel.postgres.transaction() as tx:
            contest = deps.contests.announce(tx, terms)
            assert contest is not None
            deps.tasks.enqueue([assignment(contest.id, now)], tx)
        return contest.id

    def assign(self) -> list[str]:
        """Give every contest its wallet; the state of each task."""
        return [self.deliver(queue_assign_wallet.handler, self.deps(WALLETS_ROLE), row) for row in self.due(ASSIGN)]

    def wallet(self, contest_id: UUID) -> str | None:
        """A contest's wallet."""
        [row] = self.rows("select wallet from contests.contests where id = %(id)s", id=contest_id)
        wallet: str | None = row["wallet"]
        return wallet

    def ask(self, address: str, key: str = "k-1", *, person: str | None = "solana:asker") -> Answer:
        """Ask the faucet over HTTP, as somebody who has signed in."""
        return self.http("POST", "/v1/contests/faucet", {"address": address}, key=key, person=person)

    def http(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, person: str | None = None
    ) -> Answer:
        """Status and body."""
        headers = [("content-type", "application/json"), ("host", SITE.domain)]
        headers += [] if key is None else [("idempotency-key", key)]
        if person is not None:
            token = self.kernels[WALLETS_ROLE].tokens.issue(person, role=Role.VIEWER)
            headers.append(("authorization", f"Bearer {token}"))
        call = HttpCall(
            method=method,
            path=path,
            query="",
            headers=headers,
            body=b"" if body is None else json.dumps(body).encode(),
            source_ip="203.0.113.7",
            request_id="f7ba6f6a12b795f=",
            at=self.clock.now(),
        )
        entry = http_faucet.handler.bind(self.deps(WALLETS_ROLE))
        answer = entry(http_event(SITE, call, f"{method} {path}", {}), Context())
        return answer["statusCode"], json.loads(answer["body"])

    def again(self, kind: str) -> None:
        """As if the messages of a kind came once more, and their tasks were never done."""
        self.change("update kernel.tasks set state = 'ready', finished_at = null where kind = %(kind)s", kind=kind)

    def due(self, kind: str) -> list[dict[str, Any]]:
        """Open tasks of a kind."""
        return self.rows("select id from kernel.tasks where kind = %(kind)s and state = 'ready' order by id", kind=kind)

    def deliver(self, handler: Any, deps: Any, task: Mapping[str, Any]) -> str:
        """A task's message; its state after that."""
        record = {**RECORD, "body": json.dumps({"task_id": str(task["id"])})}
        answer = handler.bind(deps)({"Records": [record]}, Context())
        assert answer == {"batchItemFailures": []}
        [row] = self.rows("select state from kernel.tasks where id = %(id)s", id=task["id"])
        return str(row["state"])

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return [dict(row) for row in tx.all(sql, **params)]

    def change(self, sql: str, **params: Any) -> None:
        """What somebody did to the database."""
        with self.office.transaction() as tx:
            tx.execute(sql, **params)


ROLES: Final = (ROLE, WALLETS_ROLE, VANITY_ROLE, "counterpart_ops")
