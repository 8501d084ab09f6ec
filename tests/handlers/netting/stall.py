"""The intake under test: its real handlers on a real Postgres, and wallets that sign what they post to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from functions.netting import http_intents, http_listings
from functions.netting.wiring import ROLE, Deps, Settings
from infra.local.netting.client import Intent, Listing, Pen
from infra.local.netting.wallets import Wallet
from infra.local.runner.events import ApiSite, HttpCall, http_event
from kernel import base58
from kernel.ids import new_id
from kernel.keys.solana import LocalSolanaSigner
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.wiring import Kernel

SELLER, BUYER, OTHER = (Wallet.named(name) for name in ("seller", "buyer", "other"))
ITEM, OTHERS_ITEM = "item-1", "item-2"
SOL: Final = 1_000_000_000
SITE: Final = ApiSite(api_id="a1b2c3d4e5", domain="a1b2c3d4e5.execute-api.test", stage="$default", account="1")
ADDRESS: Final = "203.0.113.7"
ALL_ACTIONS: Final = ("TRADE", "BID", "BUY_NOW")
SETTINGS: Final = Settings(
    cluster="localnet", rpc_urls="plain:http://simulated", program="1" * 32, authority=Wallet.named("authority").address
)
Answer = tuple[int, dict[str, Any]]


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 20_000


class Stall:
    """One deployment at which three wallets trade two items."""

    def __init__(self, database_url: str, kernel: Kernel | None = None) -> None:
        """kernel: another one than that of the fakes."""
        self.clock = FakeClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.faked = FakedKernel(database_url, role=ROLE, clock=self.clock)
        self.deps = Deps(kernel or self.faked, SETTINGS)
        self.office = Postgres(database_url)
        self.pen = Pen(Random(7))

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator["Stall"]:
        """With the sessions and items that everybody needs."""
        stall = cls(database_url)
        for wallet in (SELLER, BUYER, OTHER):
            stall.session(wallet)
        stall.item(ITEM, SELLER)
        stall.item(OTHERS_ITEM, OTHER)
        yield stall
        stall.close()

    def close(self) -> None:
        """Give the connections back."""
        self.deps.close()
        self.office.close()

    @property
    def now_ms(self) -> int:
        """The clock as traders write it."""
        return round(self.clock.time_s() * 1000)

    def session(self, wallet: Wallet, *, key: str | None = None, **changes: Any) -> str:
        """Let a key of a wallet's trade for it, as it is once its registration has settled."""
        row = {
            "key": key or wallet.session.address,
            "id": new_id(),
            "owner": wallet.address,
            "allowed_actions": list(ALL_ACTIONS),
            "max_volume_lamports": 1_000 * SOL,
            "expires_at": self.clock.now() + timedelta(days=1),
            "state": "active",
            "text": "",
            "signature": b"",
            "requested_at": self.clock.now(),
            "moved_at": self.clock.now(),
        } | changes
        self._insert("session_keys", row)
        return str(row["key"])

    def item(self, item_id: str, owner: Wallet | None) -> None:
        """An item in escrow."""
        mint = Wallet.named(f"mint of {item_id}").address
        self._insert(
            "item_ownership",
            {
                "item_id": item_id,
                "mint": mint,
                "owner": owner and owner.address,
                "read_at": self.clock.now(),
            },
        )

    def intent(self, kind: str = "BID", **changes: Any) -> Intent:
        """What the buyer wants of the seller's item, or the seller gives; fresh and well formed unless changed."""
        signer = SELLER if kind == "TRADE" else BUYER
        fields = {
            "id": self.pen.ulid(self.now_ms),
            "item_id": ITEM,
            "seller": SELLER,
            "buyer": BUYER,
            "amount_lamports": SOL,
            "nonce": self.pen.nonce(signer.session.address),
            "created_at": self.now_ms,
            "kind": kind,
        }
        return Intent(**{**fields, **changes})

    def listing(self, **changes: Any) -> Listing:
        """An ask of the seller's, for an hour."""
        fields = {
            "id": f"ask-{self.pen.nonce('asks')}",
            "item_id": ITEM,
            "seller": SELLER,
            "price_lamports": SOL,
            "expires_at": self.now_ms + 3_600_000,
            "nonce": self.pen.nonce("nonces of asks"),
        }
        return Listing(**{**fields, **changes})

    def listed(self, **changes: Any) -> Listing:
        """The same, taken in."""
        listing = self.listing(**changes)
        status, answer = self.post("/v1/netting/listings", listing.signed())
        assert status == 200, answer
        return listing

    def post(self, path: str, body: Any, *, address: str = ADDRESS) -> Answer:
        """Status and body of an answer."""
        return self.call("POST", path, body, address=address)

    def post_raw(self, path: str, body: bytes) -> Answer:
        """The same of bytes that need not be JSON."""
        return self._call("POST", path, body, query="", address=ADDRESS)

    def call(self, method: str, path: str, body: Any = None, *, query: str = "", address: str = ADDRESS) -> Answer:
        """The same of any request."""
        octets = b"" if body is None else json.dumps(body).encode()
        return self._call(method, path, octets, query=query, address=address)

    def _call(self, method: str, path: str, body: bytes, *, query: str, address: str) -> Answer:
        call = HttpCall(
            method=method,
            path=path,
            query=query,
            headers=[("content-type", "application/json"), ("host", SITE.domain)],
            body=body,
            source_ip=address,
            request_id="f7ba6f6a12b795f=",
            at=self.clock.now(),
        )
        entry = http_listings.handler if "/listings" in path else http_intents.handler
        answer = entry.bind(self.deps)(http_event(SITE, call, f"{method} {path}", {}), Context())
        return answer["statusCode"], json.loads(answer["body"])

    def send(self, *bodies: Mapping[str, Any]) -> list[str | None]:
        """Post intents together: of each its code, or the state of one that was accepted."""
        status, answer = self.post("/v1/netting/intents", {"intents": bodies})
        assert status == 200, answer
        return [one["code"] or one["state"] for one in answer["outcomes"]]

    def code(self, body: Mapping[str, Any]) -> str:
        """Post one intent that is refused: its code."""
        _, answer = self.post("/v1/netting/intents", body)
        return str(answer["error"]["code"])

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """What the tables hold."""
        with self.office.transaction() as tx:
            return list(tx.all(query, **params))

    def used(self, wallet: Wallet) -> int:
        """How much of its session's volume is reserved."""
        key = wallet.session.address
        (row,) = self.rows("select used_volume_lamports from netting.session_keys where key = %(key)s", key=key)
        return int(row["used_volume_lamports"])

    def stored(self) -> list[str]:
        """The ids of all intents."""
        return [row["id"] for row in self.rows("select id from netting.intents order by received_at, id")]

    def netted(self, intent_id: str) -> UUID:
        """Let an intent be in a batch; the batch."""
        batch = new_id()
        whole = {"intents": 1, "accepted": 1, "items": 1, "wallets": 2, "transactions": 1, "packing_bound": 1}
        money = {"traded_lamports": SOL, "moved_lamports": SOL}
        hashes = {name: bytes(32) for name in ("result_hash", "items_root", "da_hash", "state_root")}
        moments = {name: self.clock.now() for name in ("netted_at", "moved_at")}
        self._insert("batches", {"id": batch, "state": "netted", **whole, **money, **hashes, **moments})
        statement = "update netting.intents set state = 'batched', batch = %(batch)s, settlement = 0 where id = %(id)s"
        self.change(statement, batch=batch, id=intent_id)
        return batch

    def change(self, statement: str, **params: Any) -> None:
        """Let something happen behind the intake's back."""
        with self.office.transaction() as tx:
            tx.execute(statement, **params)

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        self.change(f"insert into netting.{table} ({columns}) values ({values})", **row)


def countersigned(body: Mapping[str, Any], signer: LocalSolanaSigner, *, named: bool = True) -> dict[str, Any]:
    """A body with another one's word to the same bytes."""
    fields = {name: value for name, value in body.items() if name not in ("signature", "counterSignature")}
    fields.pop("counterSessionPubkey", None)
    content = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    word = {"counterSignature": base58.encode(signer.sign_message(content))}
    return {**body, **word, **({"counterSessionPubkey": signer.address} if named else {})}
