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
from functions.netting.wiring import ROLE, Settings
from infra.local.netting import records
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import World
from kernel import base58, siws
from kernel.auth import Role, Tier
from kernel.postgres import Postgres
from kernel.solana.messages import required_signers
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.chain.netting.worked import Context, Worked

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
REQUEST: Final = json.loads(Path("events/netting/http_custody.json").read_text(encoding="utf-8"))
TICK: Final = json.loads(Path("events/netting/cron_poll_program.json").read_text(encoding="utf-8"))
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an owner signs for a session key; a test changes what it attacks."""

    owner: Wallet
    key: str
    volume: int = 5 * SOL
    expires_in_s: int = 3_600
    actions: tuple[str, ...] = ("TRADE", "BUY_NOW")


class Till(Worked):
    """One deployment, its clock in our hands."""

    handlers = TASKS
    rounds_max = 60
    blocks = blocks_a_step = 8

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

    def follow(self) -> None:
        """What has happened becomes final, and is read."""
        self.world.node.finalize()
        cron_poll_program.handler.bind(self.deps)(TICK, Context())
        self.work()

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
