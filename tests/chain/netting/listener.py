"""The part of netting that listens, over a real node: its real handlers, worked task by task, and what it keeps."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from functions.netting import cron_poll_program, queue_index_batch, queue_netting_events
from functions.netting.adapters.program_accounts import Calls, Numbered
from functions.netting.adapters.transfers_seen import KIND as EVENTS
from functions.netting.core.books import wallet_account
from functions.netting.core.contents import content_of, entries_of, items_of
from functions.netting.core.packing import InParts, Settlement, Whole
from functions.netting.wiring import ROLE, Deps, Settings
from infra.local.netting.records import ACTIONS, ASSET
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import World
from kernel.chain_events import Delivery, SolanaEvent
from kernel.ids import new_id
from kernel.ledger import Ledger
from kernel.postgres import Postgres
from kernel.tasks import TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

HANDLERS: Final[Mapping[str, Any]] = {
    EVENTS: queue_netting_events.handler,
    "netting.index_batch": queue_index_batch.handler,
}
EVENT: Final = json.loads(Path("events/netting/queue_netting_events.json").read_text(encoding="utf-8"))
TICK: Final = json.loads(Path("events/netting/cron_poll_program.json").read_text(encoding="utf-8"))
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where kind = any(%(kinds)s) and state = 'ready' and run_at <= %(now)s order by run_at, id
"""
DELIVERIES_MAX: Final = 500
RESULT_HASH: Final = hashlib.sha256(b"a result").digest()
EMPTY_HASH: Final = bytes(32)


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 60_000


class Listener:
    """One deployment that has read nothing yet; its items and sessions are known."""

    def __init__(self, world: World, database_url: str, urls: Sequence[str] = (), **changes: Any) -> None:
        self.world, self.clock = world, FakeClock(datetime.now(UTC))
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        self.settings = Settings(
            cluster="localnet",
            rpc_urls="plain:" + " ".join(urls or (world.node.url,)),
            program=world.program.address,
            authority=world.authority.address,
            **changes,
        )
        self.deps = Deps(self.kernel, self.settings)
        self.calls = Calls(world.program.address, world.authority.address)
        self.office = Postgres(database_url)
        self._record_items()
        self._record_sessions()

    def close(self) -> None:
        """Give the connections back."""
        self.deps.close()
        self.office.close()

    # What the world asks of it.

    def poll(self) -> None:
        """The minute's turn."""
        cron_poll_program.handler.bind(self.deps)(TICK, Context())

    def work(self) -> int:
        """Deliver every task that is due, as often as one is; how many deliveries that were."""
        done = 0
        while due := self.rows(DUE, kinds=list(HANDLERS), now=self.clock.now()):
            for task in due:
                self.deliver(task)
                done += 1
            assert done < DELIVERIES_MAX, due
        return done

    def deliver(self, task: Mapping[str, Any]) -> None:
        """Deliver one task's message."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        HANDLERS[task["kind"]].bind(self.deps)(event, Context())

    def listen(self) -> None:
        """All that was done becomes final, is read, and follows."""
        self.world.node.finalize()
        self.poll()
        self.work()

    def listen_through(self, urls: Sequence[str]) -> None:
        """Another container, in front of these endpoints."""
        self.deps.pool.close()
        self.settings = self.settings.model_copy(update={"rpc_urls": "plain:" + " ".join(urls)})
        self.deps = Deps(self.kernel, self.settings)

    def tell(self, signature: str, *, slot: int | None = None) -> None:
        """A webhook's hint."""
        event = SolanaEvent(
            cluster="localnet",
            slot=self.world.node.slot() if slot is None else slot,
            signature=signature,
            instruction_path="",
            program="",
            data=b"",
        )
        payload = Delivery(watch=self.deps.listening.watch.name, sequence=0, event=event).to_json()
        self.kernel.tasks.enqueue(
            [
                TaskSpec(
                    kind=EVENTS,
                    business_key=event.identity,
                    payload=payload,
                    run_at=self.clock.now(),
                )
            ]
        )

    # What is planned and sent elsewhere.

    def plan(
        self, plan: Settlement, chain_batch: int, *, state: str = "sent", result_hash: bytes = RESULT_HASH
    ) -> UUID:
        """A batch of one settlement that has a number and is on its way."""
        now, batch = self.clock.now(), new_id()
        row = {"batch": batch, "now": now, "hash": result_hash, "empty": EMPTY_HASH}
        with self.office.transaction() as tx:
            tx.execute(
                "insert into netting.batches (id, state, intents, accepted, items, wallets, transactions,"
                " packing_bound, traded_lamports, moved_lamports, result_hash, da_hash, items_root, state_root,"
                " netted_at, moved_at) values (%(batch)s, 'settling', 1, 1, 1, 2, 1, 1, 1, 1, %(hash)s, %(empty)s,"
                " %(empty)s, %(empty)s, %(now)s, %(now)s)",
                **row,
            )
            tx.execute(
                "insert into netting.settlements (batch, ordinal, content, entries, state, attempt, chain_batch,"
                " moved_at) values (%(batch)s, 0, %(content)s, %(entries)s, %(state)s, 1, %(chain_batch)s, %(now)s)",
                **row,
                content=Jsonb(content_of(plan)),
                entries=entries_of(plan),
                state=state,
                chain_batch=chain_batch,
            )
            for item in items_of(plan):
                tx.execute(
                    "insert into netting.reservations (kind, subject, batch, ordinal, reserved_at)"
                    " values ('item', %(item)s, %(batch)s, 0, %(now)s)",
                    **row,
                    item=item,
                )
        return batch

    def intent(
        self, batch: UUID, item: str, seller: Wallet, buyer: Wallet, lamports: int, *, listing: str | None = None
    ) -> str:
        """An accepted intent of a batch."""
        key = f"{self.count('netting.intents'):026d}"
        with self.office.transaction() as tx:
            tx.execute(
                "insert into netting.intents (id, session, owner, item_id, seller, buyer, amount_lamports, nonce,"
                " created_at_ms, kind, listing_id, signature, state, batch, settlement, received_at, moved_at)"
                " values (%(id)s, %(session)s, %(buyer)s, %(item)s, %(seller)s, %(buyer)s, %(lamports)s, %(nonce)s,"
                " %(nonce)s, 'BUY_NOW', %(listing)s, '', 'batched', %(batch)s, 0, %(now)s, %(now)s)",
                id=key,
                session=buyer.session.address,
                item=item,
                seller=seller.address,
                buyer=buyer.address,
                lamports=lamports,
                nonce=int(key),
                listing=listing,
                batch=batch,
                now=self.clock.now(),
            )
        return key

    def listing(self, item: str, seller: Wallet) -> str:
        """An active ask."""
        number = self.count("netting.listings")
        with self.office.transaction() as tx:
            tx.execute(
                "insert into netting.listings (listing_id, item_id, seller, price_lamports, expires_at, nonce,"
                " signature, listed_at, moved_at) values (%(id)s, %(item)s, %(seller)s, 5, %(now)s, %(number)s, '',"
                " %(now)s, %(now)s)",
                id=f"ask-{number}",
                item=item,
                seller=seller.address,
                number=number,
                now=self.clock.now(),
            )
        return f"ask-{number}"

    def settle(self, plan: Settlement, chain_batch: int, *, result_hash: bytes = RESULT_HASH) -> list[str]:
        """Send a settlement as the authority does; the signatures of its transactions."""
        numbered = Numbered({piece.item_id: piece.number for piece in self.world.pieces})
        if isinstance(plan, Whole):
            return [self._send(self.calls.settle_net_batch(chain_batch, result_hash, plan, numbered))]
        assert isinstance(plan, InParts)
        steps = [self.calls.begin_parts(chain_batch, len(plan.parts), result_hash)]
        steps += [self.calls.settle_part(chain_batch, n, part, numbered) for n, part in enumerate(plan.parts)]
        return [self._send(step) for step in steps]

    # What it keeps.

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def count(self, table: str) -> int:
        """How many rows."""
        return int(self.rows(f"select count(*) as n from {table}")[0]["n"])

    def column(self, table: str, key: str, value: str) -> dict[str, Any]:
        """Two columns of a table."""
        return {row[key]: row[value] for row in self.rows(f"select {key}, {value} from {table}")}

    def balances(self) -> dict[str, int]:
        """Every wallet's funds, as they are kept."""
        return self.column("netting.wallet_balances", "wallet", "locked_lamports")

    def owners(self) -> dict[str, str]:
        """The owner of each item in escrow, as it is kept."""
        kept = self.column("netting.item_ownership", "item_id", "owner")
        return {item: owner for item, owner in kept.items() if owner is not None}

    def booked(self, name: str) -> int:
        """What an account of the ledger holds."""
        with self.office.transaction() as tx:
            return Ledger(self.clock).balance(tx, name, ASSET)

    def books(self) -> dict[str, int]:
        """What the ledger says of every wallet whose funds are kept."""
        accounts = self.column("kernel.ledger_accounts", "name", "balance")
        return {wallet: int(accounts.get(wallet_account(wallet), 0)) for wallet in self.balances()}

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Topics and bodies of all that was published."""
        return [(topic, dict(body)) for topic, body in self.kernel.news.published]

    def states(self, kind: str) -> list[str]:
        """Of the tasks of a kind."""
        return [row["state"] for row in self.rows("select state from kernel.tasks where kind = %(k)s", k=kind)]

    def history(self, item: str) -> list[tuple[str, str | None, str | None]]:
        """How an item changed hands, in the order of the chain."""
        told = self.rows("select * from netting.item_history where item_id = %(item)s order by slot, id", item=item)
        return [(row["event"], row["from_wallet"], row["to_wallet"]) for row in told]

    def _send(self, *instructions: Any) -> str:
        signature = self.world.do(instructions, self.world.authority)
        self.world.node.mine()
        return signature

    def _record_items(self) -> None:
        with self.office.transaction() as tx:
            for piece in self.world.pieces:
                tx.execute(
                    "insert into netting.item_ownership (item_id, item_number, mint, creator, royalty_bps, read_at)"
                    " overriding system value"
                    " values (%(item_id)s, %(number)s, %(mint)s, %(creator)s, %(royalty)s, %(now)s)",
                    item_id=piece.item_id,
                    number=piece.number,
                    mint=piece.mint,
                    creator=piece.creator,
                    royalty=piece.royalty_bps,
                    now=self.clock.now(),
                )

    def _record_sessions(self) -> None:
        with self.office.transaction() as tx:
            for number, permit in enumerate(self.world.permits):
                tx.execute(
                    "insert into netting.session_keys (key, id, owner, allowed_actions, max_volume_lamports,"
                    " expires_at, text, signature, requested_at, moved_at) values (%(key)s, %(id)s, %(owner)s,"
                    " %(actions)s, %(volume)s, to_timestamp(%(expires_at)s), %(text)s, '', %(now)s, %(now)s)",
                    key=permit.wallet.session.address,
                    id=UUID(int=number),
                    owner=permit.wallet.address,
                    actions=list(ACTIONS),
                    volume=permit.max_volume_lamports,
                    expires_at=permit.expires_at,
                    text=permit.text,
                    now=self.clock.now(),
                )
