"""The till at which wallets are served: netting's own handlers over HTTP and from queues, a real node and database."""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from functions.netting import (
    cron_poll_program,
    http_custody,
    http_session_keys,
    http_user,
    queue_close_withdrawal,
    queue_netting_events,
    queue_submit_settlement,
)
from functions.netting.adapters.close_steps import CLOSE
from functions.netting.adapters.obligations import SUBMIT
from functions.netting.adapters.transfers_seen import KIND as SEEN
from functions.netting.wiring import ROLE, Settings, SignerDeps
from infra.local.netting import records
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import World
from kernel import base58, siws
from kernel.auth import Role, Tier
from kernel.postgres import Postgres
from kernel.solana.messages import required_signers
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.chain.workbench import Died

SOL: Final = 10**9
DOMAIN: Final = "app.counterpart.test"
TASKS: Final[Mapping[str, Any]] = {
    SUBMIT: queue_submit_settlement.handler,
    SEEN: queue_netting_events.handler,
    CLOSE: queue_close_withdrawal.handler,
}
#: By what a path names after the version and the service.
ROUTES: Final[Mapping[str, Any]] = {
    "custody": http_custody.handler,
    "session-keys": http_session_keys.handler,
    "user": http_user.handler,
}
EVENT: Final = json.loads(Path("events/netting/queue_submit_settlement.json").read_text(encoding="utf-8"))
REQUEST: Final = json.loads(Path("events/netting/http_custody.json").read_text(encoding="utf-8"))
TICK: Final = json.loads(Path("events/netting/cron_poll_program.json").read_text(encoding="utf-8"))
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where kind = any(%(kinds)s)
      and ((state = 'ready' and run_at <= %(now)s) or (state = 'leased' and lease_until <= %(now)s))
    order by run_at, id
"""
NEXT: Final = """
    select min(coalesce(lease_until, run_at)) as at from kernel.tasks
    where kind = any(%(kinds)s) and state in ('ready', 'leased')
"""
ROUNDS_MAX: Final = 60
#: Blocks between two looks at what waits; finality is 31 away.
BLOCKS: Final = 8
Answer = tuple[int, dict[str, Any]]


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an owner signs for a session key; a test changes what it attacks."""

    owner: Wallet
    key: str
    volume: int = 5 * SOL
    expires_in_s: int = 3_600
    actions: tuple[str, ...] = ("TRADE", "BUY_NOW")


class Till:
    """One deployment, its clock in our hands."""

    def __init__(self, world: World, database_url: str, urls: Sequence[str] = ()) -> None:
        self.world, self.database_url = world, database_url
        self.clock = FakeClock(datetime.now(UTC))
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        records.record(world, database_url, self.kernel.envelope, self.clock)
        self.settings = Settings(
            cluster="localnet",
            rpc_urls="plain:" + " ".join(urls or (world.node.url,)),
            program=world.program.address,
            authority=world.authority.address,
            start_after=world.node.rpc("getSignaturesForAddress", world.program.address)[0]["signature"],
        )
        self.office = Postgres(database_url, self.clock)
        self.deps = self.container()
        # A credential of nobody's address: a till serves more than a visitor's hundred requests a minute.
        self.key = self.kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.VIEWER, label="a test", actor="a test").key
        self._asked = 0

    def container(self) -> SignerDeps:
        """A new process."""
        return SignerDeps(self.kernel, self.settings)

    def close(self) -> None:
        """Give the connections back."""
        self.deps.close()
        self.office.close()

    # Over HTTP.

    def get(self, path: str, **query: Any) -> Answer:
        """Ask."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Ask for something to be done; key: of the request."""
        return self.call("POST", path, body={} if body is None else body, key=key)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Answer:
        """Status and body of the answer."""
        dropped = ("content-length", "idempotency-key")
        headers = {name: value for name, value in REQUEST["headers"].items() if name not in dropped}
        headers |= {"x-api-key": self.key, "content-type": "application/json"} | (
            {} if key is None else {"idempotency-key": key}
        )
        http = {**REQUEST["requestContext"]["http"], "path": path, "method": method}
        sent = {
            **REQUEST,
            "rawPath": path,
            "rawQueryString": urlencode(query or {}),
            "headers": headers,
            "requestContext": {**REQUEST["requestContext"], "http": http},
            "body": None if body is None else json.dumps(body),
        }
        answer = ROUTES[path.split("/")[3]].bind(self.deps)(sent, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def offered(self, what: str, wallet: Wallet, *, key: str | None = None, **body: Any) -> dict[str, Any]:
        """An offer: what is "funds/deposit" and its like. A key of its own unless one is given."""
        self._asked += 1
        path = f"/v1/netting/custody/{what}"
        status, answer = self.post(path, {"wallet": wallet.address, **body}, key=key or f"ask-{self._asked}")
        assert status == 200, answer
        return answer

    def refused(self, what: str, wallet: Wallet, **body: Any) -> str:
        """The code with which an offer is refused."""
        self._asked += 1
        path = f"/v1/netting/custody/{what}"
        status, answer = self.post(path, {"wallet": wallet.address, **body}, key=f"ask-{self._asked}")
        assert status >= 400, answer
        return str(answer["error"]["code"])

    def confirm(self, offer: Mapping[str, Any], *signers: Wallet, transaction: str | None = None) -> Answer:
        """Hand an offer back, signed by these."""
        signed = transaction or sign(offer["transaction"], *signers)
        return self.post(f"/v1/netting/custody/{offer['id']}/confirm", {"transaction": signed})

    def sent(self, what: str, wallet: Wallet, **body: Any) -> dict[str, Any]:
        """An offer that is signed and handed back."""
        offer = self.offered(what, wallet, **body)
        status, answer = self.confirm(offer, wallet)
        assert status == 202, answer
        return answer

    def standing(self, offer: Mapping[str, Any]) -> tuple[str, str | None]:
        """State and reason of a wallet's transaction."""
        _, answer = self.get(f"/v1/netting/custody/{offer['id']}")
        return answer["state"], answer["reason"]

    def balance(self, wallet: Wallet) -> tuple[int, int, int]:
        """Locked, reserved, available."""
        _, told = self.get(f"/v1/netting/user/{wallet.address}/balance")
        return tuple(int(told[f"{name}_lamports"]) for name in ("locked", "reserved", "available"))  # type: ignore[return-value]  # three of them

    # Session keys.

    def nonce(self) -> str:
        """A fresh one."""
        return str(self.get("/v1/netting/user/nonce")[1]["nonce"])

    def text(self, asked: Asked, **changes: Any) -> str:
        """What a wallet shows its owner."""
        issued_at = self.clock.now().replace(microsecond=0)
        until = int((issued_at + timedelta(seconds=asked.expires_in_s)).timestamp())
        fields: dict[str, Any] = {
            "domain": DOMAIN,
            "address": asked.owner.address,
            "statement": "Let this key trade for me.",
            "uri": f"https://{DOMAIN}",
            "chain_id": "localnet",
            "issued_at": issued_at.isoformat().replace("+00:00", "Z"),
            "resources": (f"counterpart:session:{asked.key}:{asked.volume}:{until}",),
        }
        nonce = changes.pop("nonce", None) or self.nonce()
        return siws.render(siws.Message(**{**fields, "nonce": nonce, **changes}))

    def body(self, asked: Asked, text: str, signer: Wallet | None = None) -> dict[str, Any]:
        """The request for a session key."""
        return {
            "ownerPubkey": asked.owner.address,
            "sessionPubkey": asked.key,
            "maxVolumeLamports": str(asked.volume),
            "expiresInSeconds": asked.expires_in_s,
            "allowedActions": [*asked.actions],
            "text": text,
            "signature": base58.encode((signer or asked.owner).signer.sign_message(text.encode())),
        }

    def create(self, asked: Asked, **changes: Any) -> Answer:
        """Ask for a session key with a text that says what is asked, but for the changes."""
        return self.post("/v1/netting/session-keys/create", self.body(asked, self.text(asked, **changes)))

    def session(self, session_id: str) -> str:
        """A session's state."""
        return str(self.get(f"/v1/netting/session-keys/{session_id}")[1]["state"])

    # The world goes on.

    def work(self, *kinds: str) -> None:
        """Deliver until nothing is left to do; blocks come whenever all wait, and the minute's poll with them."""
        for _ in range(ROUNDS_MAX):
            due = self.rows(DUE, kinds=list(kinds or TASKS), now=self.clock.now())
            for task in due:
                self.deliver(task)
            if not due and not self._wait(*kinds):
                return
        raise AssertionError(
            self.rows("select kind, business_key, state, result from kernel.tasks where state = 'ready'")
        )

    def follow(self) -> None:
        """What has happened becomes final, and is read."""
        self.world.node.finalize()
        cron_poll_program.handler.bind(self.deps)(TICK, Context())
        self.work()

    def step(self, kind: str, deps: SignerDeps | None = None) -> None:
        """One run of whatever is due next of a kind. Raises what kills the process, and leaves the task leased."""
        while not (due := self.rows(DUE, kinds=[kind], now=self.clock.now())):
            assert self._wait(kind), f"no {kind} is open"
        self.deliver(due[0], deps)

    def die(self, kind: str, deps: SignerDeps) -> None:
        """A process that takes a task and dies over it."""
        try:
            self.step(kind, deps)
        except Died:
            self.kernel.postgres.close()
            self.deps = self.container()
            return
        raise AssertionError("it lives")

    def deliver(self, task: Mapping[str, Any], deps: SignerDeps | None = None) -> None:
        """Deliver one task's message."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        answer = TASKS[task["kind"]].bind(deps or self.deps)(event, Context())
        assert {"batchItemFailures": []} == answer

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def change(self, sql: str, **params: Any) -> None:
        """Let something happen elsewhere."""
        with closing(Postgres(self.database_url, self.clock)) as postgres, postgres.transaction() as tx:
            tx.execute(sql, **params)

    def reserved(self) -> list[str]:
        """What is spoken for."""
        return [row["subject"] for row in self.rows("select subject from netting.reservations order by subject")]

    def payloads(self, offer: Mapping[str, Any]) -> list[bytes]:
        """What was ever signed for a wallet's transaction."""
        found = self.rows(
            "select raw from kernel.solana_payloads join kernel.solana_outbox outbox on outbox.id = entry_id"
            " where outbox.business_key = %(key)s order by ordinal",
            key=f"netting:wallet:{offer['id']}",
        )
        return [bytes(row["raw"]) for row in found]

    def _wait(self, *kinds: str) -> bool:
        [row] = self.rows(NEXT, kinds=list(kinds or TASKS))
        if row["at"] is None:
            return False
        self.world.node.mine(BLOCKS)
        self.clock.advance(max(0.0, (row["at"] - self.clock.now()) / timedelta(seconds=1)))
        return True


def sign(transaction: str, *signers: Wallet) -> str:
    """An offered transaction with these wallets' signatures in their places."""
    raw = base64.b64decode(transaction)
    message = message_of(transaction)
    places = {address: place for place, address in enumerate(required_signers(message))}
    signed = bytearray(raw)
    for wallet in signers:
        at = 1 + 64 * places[wallet.address]
        signed[at : at + 64] = wallet.signer.sign_message(message)
    return base64.b64encode(bytes(signed)).decode()


def message_of(transaction: str) -> bytes:
    """The message of an offered transaction."""
    raw = base64.b64decode(transaction)
    return raw[1 + 64 * raw[0] :]
