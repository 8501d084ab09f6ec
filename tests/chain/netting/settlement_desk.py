"""The desk at which batches are settled by hand: netting's own dependencies and handlers, a real node and database.

Batches are planted as planning stores them, so that a test says what is to be settled and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
from tests.chain.netting.worked import Worked

SUBMIT: Final = "netting.submit_settlement"
HANDLERS: Final[Mapping[str, Entry[Any]]] = {
    SETTLE: queue_settle_batch.handler,
    SUBMIT: queue_submit_settlement.handler,
}
RESULT_HASH: Final = bytes(range(32))
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


@dataclass
class Desk(Worked):
    """One world, one database, and a clock that tests move."""

    handlers = HANDLERS
    rounds_max = 400
    blocks = 16

    world: World
    kernel: FakedKernel
    database_url: str
    urls: Sequence[str]
    lookup_tables_max: int = 4

    def __post_init__(self) -> None:
        assert isinstance(self.kernel.clock, FakeClock)
        self.clock = self.kernel.clock
        self.office = Postgres(self.database_url, self.clock)
        self.settings = Settings(
            cluster="localnet",
            rpc_urls=f"plain:{' '.join(self.urls)}",
            program=self.world.program.address,
            authority=self.world.authority.address,
            lookup_tables_max=self.lookup_tables_max,
        )
        self.deps = self.container()

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
