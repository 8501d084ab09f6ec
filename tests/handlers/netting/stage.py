"""A cluster whose program's transactions and accounts are written by hand, and the deployment that listens to it.

What no node can be made to do happens here: other programs' words in calls of the same transaction, logs that are cut
off, accounts of other shapes. The answers have the shapes of Agave's.
"""

import base64
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from functions.netting import cron_poll_program, queue_index_batch, queue_netting_events
from functions.netting.adapters.program_accounts import Addresses
from functions.netting.core.accounts import kind_of
from functions.netting.core.books import wallet_account
from functions.netting.core.settlement import NET_BATCH_SETTLED, discriminator, settle_net_batch_data
from functions.netting.wiring import ROLE, Deps, Settings
from kernel import base58
from kernel.chain_events import Delivery, SolanaEvent
from kernel.postgres import Postgres
from kernel.tasks import TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.handlers.netting.stall import Context
from tests.integration.cursors.cluster import Cluster, Gaps, Written

PROGRAM, OTHER_PROGRAM, AUTHORITY, MINT = (base58.encode(bytes([n]) * 32) for n in (7, 66, 5, 44))
SELLER, BUYER = (base58.encode(bytes([n]) * 32) for n in (1, 2))
PLACES: Final = Addresses(PROGRAM)
NOW_SLOT, BLOCK_S = 1_000, 1_800_000_000
EVENTS, INDEX = "netting.netting_events", "netting.index_batch"
HANDLERS: Final[Mapping[str, Any]] = {EVENTS: queue_netting_events.handler, INDEX: queue_index_batch.handler}
RECORD: Final = json.loads(Path("events/netting/queue_netting_events.json").read_text(encoding="utf-8"))["Records"][0]
TICK: Final = json.loads(Path("events/netting/cron_poll_program.json").read_text(encoding="utf-8"))
HASH: Final = bytes(range(32))


@dataclass(frozen=True)
class Call:
    """One instruction; `by` names a program that calls it. said: what it logs; said_by_caller: what its caller logs."""

    content: bytes
    accounts: Sequence[str]
    said: Sequence[bytes] = ()
    program: str = PROGRAM
    by: str | None = None
    said_by_caller: Sequence[bytes] = ()


@dataclass
class Deed(Written):
    """A transaction of the program. mints: the tokens that it moved; is_cut: its log was cut off at the beginning."""

    calls: Sequence[Call] = ()
    mints: Sequence[str] = ()
    is_cut: bool = False

    def logs(self) -> list[str]:
        """As the runtime writes them."""
        lines = ["Log truncated"] if self.is_cut else []
        for one in self.calls:
            own = [f"Program data: {base64.b64encode(word).decode()}" for word in one.said]
            depth = 1 if one.by is None else 2
            ran = [f"Program {one.program} invoke [{depth}]", *own, f"Program {one.program} success"]
            told = [f"Program data: {base64.b64encode(word).decode()}" for word in one.said_by_caller]
            lines += (
                ran if one.by is None else [f"Program {one.by} invoke [1]", *told, *ran, f"Program {one.by} success"]
            )
        return lines

    def answer(self, logs: Sequence[str]) -> dict[str, Any]:
        """As getTransaction tells it."""
        named = [name for one in self.calls for name in (one.program, one.by, *one.accounts) if name is not None]
        keys = list(dict.fromkeys(named))
        inner = [
            {"index": n, "instructions": [self._written(one, keys) | {"stackHeight": 2}]}
            for n, one in enumerate(self.calls)
            if one.by is not None
        ]
        outer = [
            self._written(one, keys)
            if one.by is None
            else {"programIdIndex": keys.index(one.by), "accounts": [], "data": ""}
            for one in self.calls
        ]
        moved = [
            {"accountIndex": 0, "mint": mint, "owner": SELLER, "uiTokenAmount": {"amount": "1"}} for mint in self.mints
        ]
        return {
            "slot": self.slot,
            "blockTime": BLOCK_S,
            "transaction": {
                "signatures": [self.signature],
                "message": {"accountKeys": keys, "instructions": outer},
            },
            "meta": {
                "err": self.error,
                "fee": 5_000,
                "preBalances": [0] * len(keys),
                "postBalances": [0] * len(keys),
                "preTokenBalances": moved,
                "logMessages": list(logs),
                "innerInstructions": inner,
            },
        }

    def _written(self, one: Call, keys: Sequence[str]) -> dict[str, Any]:
        accounts = [keys.index(name) for name in one.accounts]
        return {
            "programIdIndex": keys.index(one.program),
            "accounts": accounts,
            "data": base58.encode(one.content),
        }


@dataclass
class Program(Cluster):
    """Its history and its accounts, as every endpoint tells them."""

    accounts: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    is_silent: bool = False  # tells no accounts

    def __post_init__(self) -> None:
        super().__init__()

    def did(self, *calls: Call, mints: Sequence[str] = (), error: str | None = None, is_cut: bool = False) -> str:
        """A further transaction; its signature."""
        signature = self.write(error=error)
        slot = len(self.history)
        self.history[-1] = Deed(
            signature=signature, slot=slot, said=(), error=error, calls=calls, mints=mints, is_cut=is_cut
        )
        return signature

    def holds(self, address: str, content: bytes | None, *, owner: str = PROGRAM) -> None:
        """What an address holds from now on; None for nothing."""
        if content is None:
            self.accounts.pop(address, None)
        else:
            self.accounts[address] = (owner, content)

    def _get_multiple_accounts(self, _: Gaps, addresses: list[str], __: object) -> dict[str, Any]:
        if self.is_silent:
            return {}
        values = [self.accounts.get(one) for one in addresses]
        told = [
            found and {"lamports": 1, "owner": found[0], "executable": False, "data": [_base64(found[1]), "base64"]}
            for found in values
        ]
        return {"context": {"slot": NOW_SLOT}, "value": told}

    def _get_signature_statuses(self, gaps: Gaps, signatures: list[str], options: object) -> dict[str, Any]:
        return super()._get_signature_statuses(gaps, signatures, options) | {"context": {"slot": NOW_SLOT}}

    def _get_first_available_block(self, _: Gaps) -> int:
        return 0


class Stage:
    """One deployment in front of two endpoints."""

    def __init__(self, database_url: str, urls: Sequence[str], program: Program) -> None:
        self.clock, self.program = FakeClock(), program
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        settings = Settings(
            cluster="localnet", rpc_urls="plain:" + " ".join(urls), program=PROGRAM, authority=AUTHORITY
        )
        self.deps = Deps(self.kernel, settings)
        self.office = Postgres(database_url)

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator["Stage"]:
        """With one registered item, which is not in escrow."""
        with ExitStack() as stack:
            program = Program()
            urls = [stack.enter_context(program.endpoint(Gaps())) for _ in range(2)]
            stage = cls(database_url, urls, program)
            stack.callback(stage.close)
            stage.item("item-1", MINT)
            yield stage

    def close(self) -> None:
        """Give the connections back."""
        self.deps.pool.close()
        self.deps.close()
        self.office.close()

    def item(self, item_id: str, mint: str) -> None:
        """A registered item; the first has the number 1."""
        with self.office.transaction() as tx:
            tx.execute(
                "insert into netting.item_ownership (item_id, mint, read_at) values (%(item)s, %(mint)s, %(now)s)",
                item=item_id,
                mint=mint,
                now=self.clock.now(),
            )

    def tell(self, signature: str, slot: int = 1) -> None:
        """A webhook's hint, delivered at once."""
        event = SolanaEvent(
            cluster="localnet", slot=slot, signature=signature, instruction_path="", program="", data=b""
        )
        payload = Delivery(watch="hint", sequence=0, event=event).to_json()
        self.enqueue(EVENTS, event.identity, payload)
        self.work()

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        """A task that is due."""
        spec = TaskSpec(kind=kind, business_key=key, payload=payload, run_at=self.clock.now())
        self.kernel.tasks.enqueue([spec])

    def work(self) -> None:
        """Deliver what is due, as long as something is."""
        due = "select id, kind from kernel.tasks where kind = any(%(kinds)s) and state = 'ready' and run_at <= %(now)s"
        for _ in range(100):
            tasks = self.rows(due, kinds=list(HANDLERS), now=self.clock.now())
            if not tasks:
                return
            for task in tasks:
                event = {"Records": [{**RECORD, "body": json.dumps({"task_id": str(task["id"])})}]}
                HANDLERS[task["kind"]].bind(self.deps)(event, Context())
        raise AssertionError("the tasks never end")

    def tick(self) -> None:
        """The minute's turn."""
        cron_poll_program.handler.bind(self.deps)(TICK, Context())

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def tasks(self, kind: str) -> list[tuple[str, str | None]]:
        """State and error code of the tasks of a kind."""
        found = self.rows("select state, error_code from kernel.tasks where kind = %(kind)s order by id", kind=kind)
        return [(row["state"], row["error_code"]) for row in found]

    def booked(self) -> dict[str, int]:
        """What the ledger says of the wallets."""
        books = "select name, balance from kernel.ledger_accounts where starts_with(name, %(prefix)s)"
        return {
            row["name"].rpartition(":")[2]: int(row["balance"]) for row in self.rows(books, prefix=wallet_account(""))
        }

    def balances(self) -> dict[str, int]:
        """What is kept of the wallets' funds."""
        found = self.rows("select wallet, locked_lamports from netting.wallet_balances")
        return {row["wallet"]: row["locked_lamports"] for row in found}


def ledger(wallet: str, locked: int) -> bytes:
    """A ledger's account."""
    return kind_of("Ledger") + base58.decode(wallet) + struct.pack("<QQq", locked, 0, 0)


def item(number: int, owner: str, mint: str = MINT) -> bytes:
    """An item's account."""
    return kind_of("Item") + struct.pack("<Q", number) + base58.decode(owner) + base58.decode(mint) + bytes(8)


def call(name: str, accounts: Sequence[str], content: bytes = b"", **others: Any) -> Call:
    """An instruction of the program."""
    return Call(discriminator("global", name) + content, accounts, **others)


def funds(name: str, wallet: str, lamports: int, **others: Any) -> Call:
    """A deposit or a withdrawal."""
    return call(name, [PLACES.ledger(wallet), wallet, AUTHORITY], struct.pack("<Q", lamports), **others)


def settled(batch_id: int, *, items: int = 1, wallets: int = 2, batch_hash: bytes = HASH) -> bytes:
    """The event of a batch."""
    return NET_BATCH_SETTLED + struct.pack("<QII32sq", batch_id, items, wallets, batch_hash, BLOCK_S)


def sale(batch_id: int, price: int, **others: Any) -> Call:
    """The seller's item 1 goes to the buyer; the program says so."""
    content = settle_net_batch_data(batch_id, HASH, [(1, BUYER)], [(SELLER, price), (BUYER, -price)])
    accounts = ["config", AUTHORITY, "clock", PLACES.item(1), PLACES.ledger(SELLER), PLACES.ledger(BUYER)]
    named = [base58.encode(one.encode().ljust(32, b"-")) if one in ("config", "clock") else one for one in accounts]
    return Call(content, named, **({"said": [settled(batch_id)]} | others))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
