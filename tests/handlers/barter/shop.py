"""Barter under test: real handlers on a real Postgres and a real chain, and the kernel's fakes for the rest."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from functions.barter import (
    queue_advance_phase,
    queue_exchange_events,
    queue_post_trades,
    queue_prove,
    queue_submit_barter_transaction,
)
from functions.barter.adapters.stored import StoredContract
from functions.barter.wiring import KEY_PURPOSE, ROLE, Settings, SignerDeps
from infra.local.barter.world import BarterWorld, Phase, Terms
from infra.local.flare.accounts import ETHER, dev_account
from kernel.evm.fees import GWEI
from kernel.handler import Entry
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.tasks import TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.treasury.checking import Checks
from kernel.treasury.evm import EvmDesk
from kernel.treasury.reconciliation import Verdict
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet

HANDLERS: Final[Mapping[str, Entry[Any]]] = {
    "barter.advance_phase": queue_advance_phase.handler,
    "barter.exchange_events": queue_exchange_events.handler,
    "barter.prove": queue_prove.handler,
    "barter.post_trades": queue_post_trades.handler,
    "barter.submit_barter_transaction": queue_submit_barter_transaction.handler,
}
EVENT: Final = json.loads(Path("events/oracle/queue_commit.json").read_text(encoding="utf-8"))
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where ((state = 'ready' and run_at <= %(now)s) or (state = 'leased' and lease_until <= %(now)s))
        and kind = any(%(kinds)s)
    order by run_at, id
"""
ROUNDS_MAX: Final = 120


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


def event(name: str) -> dict[str, Any]:
    """A committed event of barter."""
    loaded: dict[str, Any] = json.loads(Path(f"events/barter/{name}.json").read_text(encoding="utf-8"))
    return loaded


class Shop:
    """One deployment of barter on one chain; `work` delivers what is due, as the queues would."""

    def __init__(self, database_url: str, world: BarterWorld, terms: Terms, *, name: str, **settings: Any) -> None:
        """name: whose settler it is. settings: other than the usual."""
        self.world, self.node, self.terms, self._database_url = world, world.node, terms, database_url
        self.clock = FakeClock(self._chain_time())
        self.settler = dev_account(name, "settler")
        self.settings = Settings(**(self._usual() | settings))
        self.office = Postgres(database_url, self.clock)
        self._opened: list[FakedKernel] = []
        self.deps = self.container()
        vault = Vault(self.office, self.deps.kernel.envelope, self.clock)
        vault.keep(bytes(self.settler.private_key), actor="a test", purpose=KEY_PURPOSE, chain=self.settings.chain)
        self.node.rpc("anvil_setBalance", self.settler.address, hex(10 * ETHER))
        self._open_wallet()

    def container(self, **changes: Any) -> SignerDeps:
        """A container that has just started, with these settings changed."""
        keys = self._opened[0].keys if self._opened else None
        kernel = FakedKernel(self._database_url, role=ROLE, clock=self.clock)
        if keys is not None:
            kernel._kms = kernel.keys = keys
        self._opened.append(kernel)
        return SignerDeps(kernel, self.settings.model_copy(update=changes))

    def restart(self, **changes: Any) -> None:
        """Every container is gone, and another one starts."""
        self.deps = self.container(**changes)

    # What the world does.

    def watch(self, world: BarterWorld | None = None, *, by_operator: bool = True) -> None:
        """Ask for an exchange to be followed."""
        self.deps.watching.begin((world or self.world).exchange.address, by_operator=by_operator)

    def end_phase(self) -> None:
        """The phase's time passes; nobody ends it."""
        self.world.pass_time()
        self.mine()

    def mine(self, blocks: int = 1) -> None:
        """Blocks, and the time that they take."""
        self.node.mine(blocks)
        self.clock.set(max(self.clock.now(), self._chain_time()))

    def minute(self) -> None:
        """What the schedules do."""
        self.tick("cron_follow_watches")
        self.tick("cron_timeouts")

    def tick(self, name: str) -> Any:
        """Deliver a schedule's event to its handler."""
        from importlib import import_module

        handler = import_module(f"functions.barter.{name}").handler
        return handler.bind(self.deps)(event(name), Context())

    def work(self, *kinds: str, most: int = 200) -> int:
        """Deliver what is due of these kinds, or of all, as often as something is; how many."""
        done = 0
        while due := self.due(*kinds):
            for task in due:
                self.deliver(task)
                done += 1
            if done > most:
                raise AssertionError(due)
        return done

    def due(self, *kinds: str) -> list[dict[str, Any]]:
        """Tasks whose message would be delivered now."""
        return self.rows(DUE, now=self.clock.now(), kinds=list(kinds or HANDLERS))

    def deliver(self, task: Mapping[str, Any], handler: Entry[Any] | None = None, deps: Any = None) -> None:
        """Deliver one task's message to its handler, or to another service's."""
        [record] = EVENT["Records"]
        sent = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        answer = (handler or HANDLERS[task["kind"]]).bind(deps or self.deps)(sent, Context())
        assert answer == {"batchItemFailures": []}, answer

    def compute(self) -> int:
        """Have offloaded jobs computed, in this process, by the function that drives them; how many tasks."""
        from functions.ops import queue_poll_offload
        from functions.ops.wiring import ROLE as OPS
        from functions.ops.wiring import Deps as OpsDeps
        from functions.ops.wiring import Settings as OpsSettings

        kernel = FakedKernel(self._database_url, role=OPS, clock=self.clock)
        self._opened.append(kernel)
        due = self.due("ops.poll_offload")
        for task in due:
            self.deliver(task, queue_poll_offload.handler, OpsDeps(kernel, OpsSettings()))
        return len(due)

    def live(self, is_over: Callable[[], bool], *, step_s: float = 15.0) -> None:
        """Let work, blocks and time go on until something holds."""
        for _ in range(ROUNDS_MAX):
            self.minute()
            self.work()
            if is_over():
                return
            self.mine()
            self.clock.advance(step_s)
        raise AssertionError((self.seen(), self.history()))

    def live_to(self, phase: Phase) -> None:
        """The same, until the exchange is in a phase for the chain, and its watch knows it."""
        self.live(lambda: self.world.phase == phase and _phase_of(self.seen()) == phase)

    def proven(self, lists: Sequence[Sequence[int]]) -> None:
        """Deposits, lists, and a proof: all by itself from the watch on."""
        self.world.deposit()
        self.watch()
        self.end_phase()
        self.live_to(Phase.RANK)
        self.world.rank(lists)
        self.end_phase()
        self.live_to(Phase.TRADE)

    # What there is.

    def seen(self, world: BarterWorld | None = None) -> StoredContract:
        """What is kept of an exchange."""
        with self.office.transaction() as tx:
            return self.deps.contracts.one(tx, (world or self.world).exchange.address)

    def history(self) -> list[tuple[str, str]]:
        """The steps of the exchange's life: whose, and what."""
        rows = self.rows(
            "select subject, event from barter.history where address = %(address)s order by id",
            address=self.seen().watch.address,
        )
        return [(row["subject"], row["event"]) for row in rows]

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was published, by topic."""
        return [(topic, dict(body)) for kernel in self._opened for topic, body in kernel.news.published]

    def ask(self, spec: TaskSpec) -> None:
        """Ask for a task, as anybody of ours may."""
        self.deps.tasks.enqueue([spec])

    def outcomes(self, kind: str) -> list[tuple[str, str | None]]:
        """How the tasks of a kind stand, and why."""
        query = "select state, error from kernel.tasks where kind = %(kind)s order by created_at, id"
        return [(row["state"], row["error"]) for row in self.rows(query, kind=kind)]

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def change(self, sql: str, **params: Any) -> None:
        """Change what the database holds, as nobody of ours would."""
        with self.office.transaction() as tx:
            tx.execute(sql, **params)

    def check(self) -> Verdict | None:
        """What the treasury says of the settler's wallet."""
        return self.checks.check(self.settings.chain, self.settler.address)

    @cached_property
    def checks(self) -> Checks:
        """The treasury's checks, as the ops slice makes them."""
        treasury = Treasury(self.office, self._desk, self.clock)
        return Checks(self.office, treasury, self._desk, KillSwitch(self.office, self.clock), self.clock)

    def close(self) -> None:
        """Give back the connections."""
        for kernel in self._opened:
            kernel.close()
        self.office.close()

    def _usual(self) -> dict[str, Any]:
        # Two names of one node: two endpoints that a quorum needs.
        urls = f"{self.node.url} {self.node.url.replace('127.0.0.1', 'localhost')}"
        return {
            "chain_id": self.node.chain_id,
            "rpc_urls": f"plain:{urls}",
            "fee_cap_wei": 20 * GWEI,
            "settler": self.settler.address,
        }

    def _open_wallet(self) -> None:
        self.node.mine(3)
        treasury = Treasury(self.office, self._desk, self.clock)
        wallet = OperatorWallet(
            service="barter", chain=self.settings.chain, address=self.settler.address, floor=0, target=0
        )
        treasury.declare(wallet, actor="a test", reason="a test")
        self.check()

    def _desk(self, _: str) -> EvmDesk:
        deps = self.deps
        return EvmDesk(lambda _: deps.outbox, deps.pool, self.settings.outbox_policy, transfer_gas=21_000)

    def _chain_time(self) -> datetime:
        block = self.node.rpc("eth_getBlockByNumber", "latest", False)
        return datetime.fromtimestamp(int(block["timestamp"], 16), tz=UTC) + timedelta(seconds=1)


def _phase_of(seen: StoredContract) -> Phase | None:
    return None if seen.facts is None else Phase(seen.facts.phase)
