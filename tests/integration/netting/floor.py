"""The trading floor under test: netting's own planning on a real Postgres, over items, funds and intents put there."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting import queue_net_batch
from functions.netting.adapters.net_steps import NET
from functions.netting.core.times import unix_ms
from functions.netting.wiring import ROLE, Deps, Settings
from kernel import base58
from kernel.ids import new_id
from kernel.postgres import Postgres
from kernel.tasks import TaskRecord, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

SOL: Final = 1_000_000_000
NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTINGS: Final = Settings(cluster="localnet", rpc_urls="plain:http://simulated", program="1" * 32, authority="2" * 32)
EVENT: Final = json.loads(Path("events/oracle/queue_commit.json").read_text(encoding="utf-8"))
INTENT: Final = """
    insert into netting.intents (id, session, owner, item_id, seller, buyer, amount_lamports, nonce, created_at_ms,
                                 kind, signature, state, received_at, moved_at)
    values (%(id)s, %(session)s, %(buyer)s, %(item)s, %(seller)s, %(buyer)s, %(amount)s, %(nonce)s, %(created_at_ms)s,
            'BUY_NOW', '', 'pending', %(now)s, %(now)s)
"""
SESSION: Final = """
    insert into netting.session_keys (key, id, owner, allowed_actions, max_volume_lamports, used_volume_lamports,
                                      expires_at, state, text, signature, requested_at, moved_at)
    values (%(key)s, %(id)s, %(owner)s, array['BUY_NOW'], 1000000000000000000, %(amount)s, 'infinity', 'active', '', '',
            %(now)s, %(now)s)
    on conflict (key) do update
    set used_volume_lamports = session_keys.used_volume_lamports + excluded.used_volume_lamports
"""
BALANCE: Final = """
    insert into netting.wallet_balances (wallet, locked_lamports, requested_lamports, slot, read_at)
    values (%(wallet)s, %(locked)s, %(requested)s, 1, %(now)s)
    on conflict (wallet) do update
    set locked_lamports = excluded.locked_lamports, requested_lamports = excluded.requested_lamports,
        read_at = excluded.read_at
"""
ITEM: Final = """
    insert into netting.item_ownership (item_id, mint, owner, creator, royalty_bps, requested_at, read_at)
    values (%(item)s, %(mint)s, %(owner)s, %(creator)s, %(royalty_bps)s, %(requested_at)s, %(now)s)
    on conflict (item_id) do update set owner = excluded.owner, requested_at = excluded.requested_at
"""
WITHDRAWAL: Final = """
    insert into netting.wallet_transactions (id, kind, wallet, subject, amount_lamports, message, last_height,
                                             slot, offered_at, moved_at)
    values (%(id)s, %(kind)s, %(wallet)s, %(subject)s, %(amount)s, '', 1, 1, %(now)s, %(now)s)
"""
RESERVATION: Final = """
    insert into netting.reservations (kind, subject, amount_lamports, wallet_transaction, reserved_at)
    values (%(kind)s, %(subject)s, %(amount)s, %(id)s, %(now)s)
"""


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 300_000


def key(name: str) -> str:
    """The public key of whoever has this name."""
    return base58.encode(sha256(name.encode()).digest())


class Floor:
    """One deployment, and everything that may be traded there. Wallets are known by names."""

    def __init__(self, database_url: str, clock: FakeClock | None = None, settings: Settings = SETTINGS) -> None:
        self.database_url, self.clock, self.settings = database_url, clock or FakeClock(NOON), settings
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        self.deps = Deps(self.kernel, settings)
        self.office = Postgres(database_url)
        self._numbers = iter(range(1, 1_000_000))

    @classmethod
    @contextmanager
    def open(cls, database_url: str, **changes: Any) -> Iterator["Floor"]:
        """A floor on a migrated database, where any number of intents makes a batch at once."""
        floor = cls(database_url, settings=SETTINGS.model_copy(update=changes))
        floor.tune(batch_least=1)
        yield floor
        floor.close()

    def close(self) -> None:
        """Give the connections back."""
        self.deps.close()
        self.office.close()

    def another(self) -> Deps:
        """A further container beside this one, with a connection of its own."""
        return Deps(FakedKernel(self.database_url, role=ROLE, clock=self.clock), self.settings)

    def tune(self, **values: int) -> None:
        """Thresholds by their names without the service's."""
        for name, value in values.items():
            self.deps.tunables.set(f"netting.{name}", Decimal(value), actor="test", reason="a test")

    def fund(self, *, requested: int = 0, **lamports: int) -> None:
        """What wallets have in the program, as it was read just now."""
        for name, amount in lamports.items():
            self.change(BALANCE, wallet=key(name), locked=amount, requested=requested)

    def own(self, owner: str | None, *items: str, **changes: Any) -> None:
        """Whose items are, in escrow."""
        row = {"creator": None, "royalty_bps": 0, "requested_at": None, "owner": owner and key(owner)} | changes
        for item in items:
            self.change(ITEM, item=item, mint=key(f"mint of {item}"), **row)

    def intent(self, item: str, seller: str, buyer: str, amount: int, *, ago_s: float = 1) -> str:
        """A pending intent, each later than the one before where they are of one age."""
        number = next(self._numbers)
        row = {
            "id": f"{number:026d}",
            "session": key(f"{buyer}'s session"),
            "item": item,
            "seller": key(seller),
            "buyer": key(buyer),
            "amount": amount,
            "nonce": number,
            "created_at_ms": unix_ms(self.clock.now() - timedelta(seconds=ago_s)),
        }
        self.change(SESSION, key=row["session"], id=new_id(), owner=row["buyer"], amount=amount)
        self.change(INTENT, **row)
        return str(row["id"])

    def withdraw(self, wallet: str, *, item: str | None = None, lamports: int | None = None) -> None:
        """A withdrawal that has its reservation."""
        named = {"id": new_id(), "amount": lamports, "subject": item or key(wallet)}
        kind = "item" if item else "wallet"
        self.change(WITHDRAWAL, kind=f"withdraw_{'item' if item else 'funds'}", wallet=key(wallet), **named)
        self.change(RESERVATION, **named | {"kind": kind})

    def net(self, deps: Deps | None = None) -> TaskRecord:
        """Deliver one task that nets, due now; what became of it."""
        spec = TaskSpec(kind=NET, business_key=f"test:{new_id()}", payload={"slot": 1}, run_at=self.clock.now())
        [task_id] = self.deps.tasks.enqueue([spec])
        return self.deliver(task_id, deps or self.deps)

    def deliver(self, task_id: UUID, deps: Deps) -> TaskRecord:
        """Deliver a task's message to the handler."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task_id)})}]}
        answer = queue_net_batch.handler.bind(deps)(event, Context())
        assert {"batchItemFailures": []} == answer
        return deps.tasks.get(task_id)

    def batch(self) -> dict[str, Any]:
        """The one batch that there is, or the newest."""
        return self.rows("select * from netting.batches order by netted_at desc, id desc limit 1")[0]

    def states(self, *ids: str) -> list[str | tuple[str, str]]:
        """The states of intents, with the reason where there is one."""
        found = {row["id"]: row for row in self.rows("select id, state, reason from netting.intents")}
        return [found[one]["state"] if found[one]["reason"] is None else _pair(found[one]) for one in ids]

    def used(self, buyer: str) -> int:
        """How much of its session's volume is reserved."""
        query = "select used_volume_lamports from netting.session_keys where key = %(key)s"
        return int(self.rows(query, key=key(f"{buyer}'s session"))[0]["used_volume_lamports"])

    def reserved(self) -> dict[tuple[str, str], int | None]:
        """Everything that is spoken for."""
        rows = self.rows("select kind, subject, amount_lamports from netting.reservations")
        return {(row["kind"], row["subject"]): row["amount_lamports"] for row in rows}

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """What the tables hold."""
        with self.office.transaction() as tx:
            return list(tx.all(query, **params))

    def change(self, statement: str, **params: Any) -> None:
        """Let something happen behind the planner's back."""
        with self.office.transaction() as tx:
            tx.execute(statement, now=self.clock.now(), **params)


def _pair(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["state"], row["reason"]
