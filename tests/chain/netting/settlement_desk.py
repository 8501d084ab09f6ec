"""The desk at which batches are settled by hand: netting's own dependencies and handlers, a real node and database.

Batches are planted as planning stores them, so that a test says what is to be settled and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting import queue_settle_batch, queue_submit_settlement
from functions.netting.adapters.obligations import desk_of
from functions.netting.adapters.program_accounts import Numbered
from functions.netting.adapters.settle_steps import SETTLE, settle
from functions.netting.core.contents import content_of, deltas_of, entries_of, items_of
from functions.netting.core.packing import Settlement, Whole, transactions
from functions.netting.wiring import Settings, SignerDeps
from infra.local.netting.world import World
from kernel.handler import Entry
from kernel.ids import new_id
from kernel.postgres import Postgres
from kernel.solana.pool import Delivery, SolanaPool
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.treasury.checking import Checks
from kernel.treasury.reconciliation import Verdict
from kernel.treasury.switch import KillSwitch
from tests.chain.workbench import Died

SUBMIT: Final = "netting.submit_settlement"
HANDLERS: Final[Mapping[str, Entry[Any]]] = {
    SETTLE: queue_settle_batch.handler,
    SUBMIT: queue_submit_settlement.handler,
}
EVENT: Final = json.loads(Path("events/oracle/queue_commit.json").read_text(encoding="utf-8"))
RESULT_HASH: Final = bytes(range(32))
#: Blocks that come whenever all wait: finality is 31 of them away.
BLOCKS: Final = 16
ROUNDS_MAX: Final = 400
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where kind = any (%(kinds)s)
      and ((state = 'ready' and run_at <= %(now)s) or (state = 'leased' and lease_until <= %(now)s))
    order by run_at, id
"""
NEXT: Final = """
    select min(coalesce(lease_until, run_at)) as at from kernel.tasks
    where kind = any (%(kinds)s) and state in ('ready', 'leased')
"""
BATCH: Final = """
    insert into netting.batches (id, state, intents, accepted, items, wallets, transactions, packing_bound,
        traded_lamports, moved_lamports, result_hash, da_hash, items_root, state_root, netted_at, moved_at)
    values (%(id)s, 'netted', 1, 1, %(items)s, %(wallets)s, %(transactions)s, 0, 0, 0, %(hash)s, %(hash)s, %(hash)s,
        %(hash)s, %(now)s, %(now)s)
"""
SETTLEMENT: Final = """
    insert into netting.settlements (batch, ordinal, content, entries, moved_at)
    values (%(batch)s, %(ordinal)s, %(content)s, %(entries)s, %(now)s)
"""
RESERVATION: Final = """
    insert into netting.reservations (kind, subject, amount_lamports, batch, ordinal, reserved_at)
    values (%(kind)s, %(subject)s, %(amount)s, %(batch)s, %(ordinal)s, %(now)s)
"""


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


@dataclass
class Desk:
    """One world, one database, and a clock that tests move. `deps` are a container's; a death takes them."""

    world: World
    kernel: FakedKernel
    database_url: str
    urls: Sequence[str]
    lookup_tables_max: int = 4

    def __post_init__(self) -> None:
        assert isinstance(self.kernel.clock, FakeClock)
        self.clock = self.kernel.clock
        self.office = Postgres(self.database_url, self.clock)
        self.deps = self.container()

    @cached_property
    def settings(self) -> Settings:
        """Of the world's program."""
        return Settings(
            cluster="localnet",
            rpc_urls=f"plain:{' '.join(self.urls)}",
            program=self.world.program.address,
            authority=self.world.authority.address,
            lookup_tables_max=self.lookup_tables_max,
        )

    def container(self) -> SignerDeps:
        """A new process."""
        return SignerDeps(self.kernel, self.settings)

    def plant(self, *settlements: Settlement) -> UUID:
        """A batch of these settlements, as planning stores it."""
        batch, now = new_id(), self.clock.now()
        items = {item for one in settlements for item in items_of(one)}
        wallets = {wallet for one in settlements for wallet in deltas_of(one)}
        counts = {"items": len(items), "wallets": len(wallets), "transactions": transactions(settlements)}
        with self.office.transaction() as tx:
            tx.execute(BATCH, id=batch, **counts, hash=RESULT_HASH, now=now)
            for ordinal, one in enumerate(settlements):
                row = {"batch": batch, "ordinal": ordinal, "now": now}
                tx.execute(SETTLEMENT, **row, content=json.dumps(content_of(one)), entries=entries_of(one))
                for item in items_of(one):
                    tx.execute(RESERVATION, **row, kind="item", subject=item, amount=None)
                for wallet, delta in deltas_of(one).items():
                    if delta < 0:
                        tx.execute(RESERVATION, **row, kind="wallet", subject=wallet, amount=-delta)
            self.deps.tasks.enqueue([settle(batch, now)], tx)
        return batch

    def sale(self, piece: int, buyer: int, lamports: int) -> Whole:
        """One item of the world, by its place, to a wallet, by its own."""
        sold, bought = self.world.pieces[piece], self.world.wallets[buyer].address
        deltas = sorted([(bought, -lamports), (sold.owner.address, lamports)])
        return Whole(items=((sold.item_id, bought),), deltas=tuple(deltas))

    def due(self, *kinds: str) -> list[dict[str, Any]]:
        """Tasks whose message would be delivered now."""
        return self.rows(DUE, kinds=list(kinds or HANDLERS), now=self.clock.now())

    def deliver(self, task: Mapping[str, Any], deps: SignerDeps | None = None) -> None:
        """Deliver one task's message to its handler. Raises what kills the process, and leaves the task leased."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        answer = HANDLERS[task["kind"]].bind(deps or self.deps)(event, Context())
        assert {"batchItemFailures": []} == answer

    def work(self, *kinds: str, rounds: int = ROUNDS_MAX, blocks: int = BLOCKS) -> None:
        """Deliver until nothing is left to do; so many blocks come whenever all wait."""
        for _ in range(rounds):
            due = self.due(*kinds)
            for task in due:
                self.deliver(task)
            if not due and not self.wait(*kinds, blocks=blocks):
                return
        if rounds == ROUNDS_MAX:
            raise AssertionError(f"not over: {self.rows('select kind, business_key, state from kernel.tasks')}")

    def wait(self, *kinds: str, blocks: int = BLOCKS) -> bool:
        """Let time and blocks pass until a task is due; False when none is open."""
        [row] = self.rows(NEXT, kinds=list(kinds or HANDLERS))
        if row["at"] is None:
            return False
        self.world.node.mine(blocks)
        self.clock.advance(max(0.0, (row["at"] - self.clock.now()) / timedelta(seconds=1)))
        return True

    def step(self, kind: str, deps: SignerDeps | None = None, *, blocks: int = 0) -> None:
        """One run of whatever is due next of a kind, time passing as it needs."""
        while not (due := self.due(kind)):
            assert self.wait(kind, blocks=blocks), f"no {kind} is open"
        self.deliver(due[0], deps)

    def die(self, kind: str, deps: SignerDeps) -> None:
        """A process that takes a task and dies over it; the next one finds the task when its lease has ended."""
        try:
            self.step(kind, deps)
        except Died:
            self.kernel.postgres.close()
            self.deps = self.container()
            return
        raise AssertionError("it lives")

    def settlements(self, batch: UUID) -> list[dict[str, Any]]:
        """The rows of a batch's settlements."""
        return self.rows("select * from netting.settlements where batch = %(batch)s order by ordinal", batch=batch)

    def states(self, batch: UUID) -> tuple[str, list[str]]:
        """Of a batch, and of its settlements."""
        [row] = self.rows("select state from netting.batches where id = %(batch)s", batch=batch)
        return row["state"], [one["state"] for one in self.settlements(batch)]

    def attempts(self, batch: UUID) -> list[tuple[int, int, int, str | None]]:
        """Ordinal, attempt, step and end of each obligation of a batch, as they were recorded."""
        rows = self.rows(
            "select ordinal, attempt, step, ended, reason from netting.settlement_attempts where batch = %(batch)s"
            " order by recorded_at, chain_batch, attempt, step",
            batch=batch,
        )
        return [(row["ordinal"], row["attempt"], row["step"], row["reason"] or row["ended"]) for row in rows]

    def reserved(self, batch: UUID) -> int:
        """How much a batch has reserved."""
        return len(self.rows("select subject from netting.reservations where batch = %(batch)s", batch=batch))

    def alarms(self) -> list[dict[str, Any]]:
        """Entries of the outbox that call a person."""
        return self.rows("select business_key, alarm from kernel.solana_outbox where alarm is not null")

    def check(self) -> Verdict | None:
        """What the treasury says of the authority's wallet."""
        desk, treasury = partial(desk_of, self.deps), self.deps.treasury
        checks = Checks(self.office, treasury, desk, KillSwitch(self.office, self.clock), self.clock)
        return checks.check(self.settings.chain, self.settings.authority)

    def moved(self, before: Mapping[str, int]) -> dict[str, int]:
        """What wallets' funds have moved by, of those that moved."""
        now = self.world.locked()
        return {wallet: now[wallet] - before.get(wallet, 0) for wallet in now if now[wallet] != before.get(wallet, 0)}

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def close(self) -> None:
        """Give back the connections."""
        self.kernel.close()
        self.office.close()


class SwallowingPool(SolanaPool):
    """Its nodes take what is sent, say so, and forget it."""

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        return [Delivery(endpoint="swallower", accepted=True)]


def swallowing(desk: Desk) -> SignerDeps:
    """A container whose transactions reach nobody."""
    deps = desk.container()
    deps.__dict__["pool"] = SwallowingPool(desk.urls, "localnet", desk.clock)
    return deps


def settle_elsewhere(desk: Desk, batch_id: int) -> None:
    """The authority's key used past us: an empty batch of this id."""
    call = desk.deps.calls.settle_net_batch(batch_id, bytes(32), Whole(items=(), deltas=()), Numbered({}))
    desk.world.do([call], desk.world.authority)
