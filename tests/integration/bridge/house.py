"""The bridge over a simulated stage: its real dependencies and handlers on a real Postgres, worked task by task.

A worker can be told to die at any transaction's begin, commit or return, and before and after any call of a node.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from functions.bridge import (
    queue_chain_events,
    queue_claim_orders,
    queue_close_order,
    queue_decide_order,
    queue_fill_order,
    queue_submit_l1_transaction,
)
from functions.bridge.adapters.evm_origin import EvmOrigin, MessageGas, Terms
from functions.bridge.adapters.limits import PATIENCE, RETRY, TUNABLES
from functions.bridge.core.finality import FLOOR
from functions.bridge.wiring import KEY_PURPOSE, ROLE, Settings, SignerDeps
from kernel.clock import Clock
from kernel.evm.rpc import RpcPool
from kernel.handler import Entry
from kernel.keys.evm import LocalSigner
from kernel.keys.vault import Vault
from kernel.postgres import Postgres, Transaction
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.treasury.checking import Checks
from kernel.treasury.evm import EvmDesk
from kernel.treasury.reconciliation import Verdict
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from kernel.tunables import Tunables
from tests.integration.bridge.simulated_chain import GWEI
from tests.integration.bridge.simulated_node import pool_of
from tests.integration.bridge.stage import ESCROW, L1_CHAIN_ID, L2_CHAIN_ID, REGISTRY, Stage

ORIGIN: Final = "zksync"
PATIENCE_S, RETRY_S = 120, 30
L1, L2 = f"evm:{L1_CHAIN_ID}", f"evm:{L2_CHAIN_ID}"
HANDLERS: Final[Mapping[str, Entry[Any]]] = {
    "bridge.chain_events": queue_chain_events.handler,
    "bridge.decide_order": queue_decide_order.handler,
    "bridge.fill_order": queue_fill_order.handler,
    "bridge.submit_l1_transaction": queue_submit_l1_transaction.handler,
    "bridge.claim_orders": queue_claim_orders.handler,
    "bridge.close_order": queue_close_order.handler,
}
EVENT: Final = json.loads(Path("events/oracle/queue_commit.json").read_text(encoding="utf-8"))
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where (state = 'ready' and run_at <= %(now)s) or (state = 'leased' and lease_until <= %(now)s)
    order by run_at, id
"""
NEXT: Final = "select min(coalesce(lease_until, run_at)) as at from kernel.tasks where state in ('ready', 'leased')"


class Died(BaseException):
    """The process dies here; no except clause of ours may catch it."""


class Doom:
    """How many more points a worker lives through; None is for ever."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.passed = 0

    def point(self) -> None:
        """Something that the world outside sees, or is about to see. Raises Died."""
        self.passed += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Died


class MortalPostgres(Postgres):
    """The database of a process that may die before, within and after a transaction."""

    doom: Doom

    @contextmanager
    def transaction(self, **options: Any) -> Iterator[Transaction]:
        """As it is, with points."""
        self.doom.point()
        with super().transaction(**options) as tx:
            tx.after_commit(self.doom.point)
            yield tx
            self.doom.point()

    def _connect(self) -> Any:
        """No pooler is in between, and a life repeats its statements by the thousand: the server keeps their plans."""
        connection = super()._connect()
        connection.prepare_threshold = 2
        return connection

    def _alone(self, sql: str, params: Mapping[str, Any]) -> Any:
        self.doom.point()
        found = super()._alone(sql, params)
        self.doom.point()
        return found


class MortalKernel(FakedKernel):
    """The kernel of handler tests, in a process that may die."""

    def __init__(self, database_url: str, doom: Doom, clock: Clock) -> None:
        self._mortal_url, self._doom = database_url, doom
        super().__init__(database_url, role=ROLE, clock=clock)

    @cached_property
    def postgres(self) -> Postgres:
        """The database."""
        postgres = MortalPostgres(self._mortal_url, self.clock, role=ROLE)
        postgres.doom = self._doom
        return postgres


class Ether:
    """What one ether is worth, unless nobody knows."""

    cents: int | None = 2_000_00

    def usd_cents(self) -> int | None:
        """That."""
        return self.cents


class SimulatedDeps(SignerDeps):
    """The bridge's dependencies; its nodes are in this process."""

    stage: Stage
    point: Callable[[], None]

    @cached_property
    def l1(self) -> RpcPool:
        """L1's nodes."""
        return pool_of(self.stage.nodes[self.stage.l1], self.clock, self.point)

    @cached_property
    def l2(self) -> RpcPool:
        """The origin's nodes."""
        return pool_of(self.stage.nodes[self.stage.l2], self.clock, self.point)

    @cached_property
    def origins(self) -> Mapping[str, EvmOrigin]:
        """The one origin."""
        terms = Terms(
            name=ORIGIN,
            chain_id=L2_CHAIN_ID,
            escrow=ESCROW,
            start_block=0,
            account=self.stage.payer,
            table=FLOOR,
            block_s=1.0,
            finality_s=60.0,
            message_gas=MessageGas(limit=200_000, further=100_000),
        )
        payer = self.settings.signer
        postgres, tasks = self.kernel.postgres, self.tasks
        return {ORIGIN: EvmOrigin(postgres, tasks, self.l2, self.registry, terms, payer=payer, clock=self.clock)}


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


class House:
    """The bridge's containers. A worker that dies is followed by a fresh one."""

    def __init__(
        self,
        database_url: str,
        clock: FakeClock,
        key: bytes,
        stage: Callable[[str], Stage],
        *,
        is_first: bool = True,
    ) -> None:
        """stage: makes the stage for our signer's address. is_first: no container has been here before."""
        self.clock, self.doom, self.ether = clock, Doom(), Ether()
        self.kernel = MortalKernel(database_url, self.doom, clock)
        self.office = Postgres(database_url, clock)
        signer = LocalSigner(key).address
        self.stage = stage(signer)
        self.settings = self._settings(signer)
        self.deps = self._container()
        if is_first:
            vault = Vault(self.office, self.kernel.envelope, clock)
            vault.keep(key, actor="a test", purpose=KEY_PURPOSE, chain=L1)
            self._open_wallets()
            self._tune()

    def _tune(self) -> None:
        tunables = Tunables(self.office, TUNABLES, self.clock)
        for tunable, value in ((PATIENCE, PATIENCE_S), (RETRY, RETRY_S)):
            tunables.set(tunable.name, value, actor="a test", reason="a test")

    def _settings(self, signer: str) -> Settings:
        return Settings(
            l1_chain_id=L1_CHAIN_ID,
            l1_rpc_urls="plain:http://simulated",
            l1_fee_cap_wei=20 * GWEI,
            registry_address=REGISTRY,
            registry_version=self.stage.version,
            signer=signer,
            claim_every_s=10,
            message_timeout_s=600,
        )

    def _container(self) -> SignerDeps:
        deps = SimulatedDeps(self.kernel, self.settings, ether=self.ether)
        deps.stage, deps.point = self.stage, self.doom.point
        return deps

    @cached_property
    def checks(self) -> Checks:
        """The treasury's checks of both wallets, as the ops slice makes them."""
        policy, treasury = self.settings.outbox_policy, Treasury(self.office, self._desk, self.clock)
        assert policy.confirmations is None
        return Checks(self.office, treasury, self._desk, KillSwitch(self.office, self.clock), self.clock)

    @cached_property
    def _l2(self) -> RpcPool:
        return pool_of(self.stage.nodes[self.stage.l2], self.clock, self.doom.point)

    def _desk(self, chain: str) -> EvmDesk:
        pool = self.deps.l1 if chain == L1 else self._l2
        return EvmDesk(lambda _: self.deps.outbox, pool, self.settings.outbox_policy, transfer_gas=21_000)

    def _open_wallets(self) -> None:
        treasury = Treasury(self.office, self._desk, self.clock)
        for chain in (L1, L2):
            wallet = OperatorWallet(service="bridge", chain=chain, address=self.settings.signer, floor=0, target=0)
            treasury.declare(wallet, actor="a test", reason="a test")
            self.check(chain)

    def check(self, chain: str) -> Verdict | None:
        """What the treasury says of our wallet there."""
        return self.checks.check(chain, self.settings.signer)

    def due(self) -> list[dict[str, Any]]:
        """Tasks whose message would be delivered now."""
        return self.rows(DUE, now=self.clock.now())

    def deliver(self, task: Mapping[str, Any]) -> None:
        """Deliver one task's message to its handler. Whoever dies over it leaves it leased."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        try:
            answer = HANDLERS[task["kind"]].bind(self.deps)(event, Context())
        except Died:
            self.kernel.postgres.close()
            self.deps = self._container()
        else:
            assert answer == {"batchItemFailures": []}, answer

    def work(self, most: int = 1_000) -> int:
        """Deliver what is due, as often as something is; how many."""
        done = 0
        while done < most and (due := self.due()):
            for task in due[: most - done]:
                self.deliver(task)
                done += 1
        return done

    def wait(self, longest_s: float) -> float:
        """Let time pass until a task is due, at most so long; how long."""
        [row] = self.rows(NEXT)
        until_s = longest_s if row["at"] is None else (row["at"] - self.clock.now()) / timedelta(seconds=1)
        waited_s = min(max(until_s, 0.0), longest_s)
        self.clock.advance(waited_s)
        return waited_s

    def minute(self) -> None:
        """What the schedules do: failed orders, the newest blocks, the final ones. Raises Transient."""
        self.deps.retrying.wake_due()
        self.deps.following.newest(20.0)
        self.deps.following.accepted(20.0)

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds, past every point."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def close(self) -> None:
        """Give back the connections."""
        self.kernel.close()
        self.office.close()
