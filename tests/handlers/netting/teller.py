"""Where wallets are served, without a node: the real handlers on a real Postgres, a cluster that is a few values."""

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from functions.netting import http_custody, http_session_keys, http_user, queue_close_withdrawal
from functions.netting.adapters.close_steps import CLOSE
from functions.netting.core.accounts import kind_of
from functions.netting.wiring import ROLE, Settings, SignerDeps
from infra.local.netting.wallets import Wallet
from infra.local.runner.events import HttpCall, http_event
from kernel import base58, siws
from kernel.outbox.solana import SolanaEntry, State
from kernel.postgres import Postgres
from kernel.solana.accounts import AccountState
from kernel.solana.messages import required_signers
from kernel.solana.pool import Blockhash, Prospect, Simulation
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.wiring import Kernel
from tests.handlers.netting.stall import ADDRESS, SITE, Answer, Context

SOL: Final = 10**9
DOMAIN: Final = "app.counterpart.test"
PROGRAM: Final = base58.encode(b"\7" * 32)
WALLET, OTHER, AUTHORITY = (Wallet.named(name) for name in ("holder", "other", "authority"))
SLOT: Final = 1_000
ROUTES: Final[Mapping[str, Any]] = {
    "custody": http_custody.handler,
    "session-keys": http_session_keys.handler,
    "user": http_user.handler,
}


class StillCluster:
    """A cluster in which nothing happens but what a test says. It is whatever of the pool the slice asks for."""

    cluster: Final = "localnet"

    def __init__(self) -> None:
        self.accounts: dict[str, AccountState] = {}
        self.refuses: Any = None
        self.away: Exception | None = None
        self._hashes = 0

    def prospect(self, _accounts: Sequence[str], _raw: bytes | None = None, **_: Any) -> Prospect:
        self._hashes += 1
        told = Blockhash(base58.encode(self._hashes.to_bytes(32, "big")), SLOT + 150, SLOT)
        return Prospect(blockhash=told, recent_fees=(), simulation=Simulation(units=900, error=self.refuses, logs=()))

    def account(self, address: str, _commitment: str = "confirmed") -> AccountState | None:
        return self.accounts.get(address)

    def unreduced(self) -> int:
        return 2

    def standings(self) -> Sequence[str]:
        return ("primary", "secondary")

    def finalized_slot_ceiling(self, *, quorum: int | None = None) -> int:
        if self.away is not None:
            raise self.away
        return SLOT + 500

    def agreed_accounts(
        self, addresses: Sequence[str], *, as_of_slot: int = 0, quorum: int | None = None
    ) -> list[AccountState | None]:
        return [self.accounts.get(address) for address in addresses]

    def keep_ledger(self, address: str, wallet: Wallet, locked: int) -> None:
        """A wallet's ledger, as the program lays it out."""
        content = kind_of("Ledger") + base58.decode(wallet.address) + struct.pack("<QQq", locked, 0, 0)
        self.accounts[address] = AccountState(
            lamports=locked, owner=PROGRAM, data=content, executable=False, slot=SLOT + 500
        )


class Teller:
    """One deployment."""

    def __init__(self, database_url: str, kernel: Callable[[FakedKernel], Kernel] = lambda faked: faked) -> None:
        self.clock = FakeClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.faked = FakedKernel(database_url, role=ROLE, clock=self.clock)
        settings = Settings(
            cluster="localnet", rpc_urls="plain:http://simulated", program=PROGRAM, authority=AUTHORITY.address
        )
        self.deps = SignerDeps(kernel(self.faked), settings)
        self.cluster = StillCluster()
        self.deps.pool = self.cluster  # type: ignore[assignment]  # what the slice asks of it is there
        self.office = Postgres(database_url, self.clock)
        self._asked = 0

    def close(self) -> None:
        """Give the connections back."""
        vars(self.deps).pop("pool")
        self.deps.close()
        self.office.close()

    def get(self, path: str) -> Answer:
        """Ask; the path may carry a query."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Ask for something to be done."""
        return self.call("POST", path, {} if body is None else body, key)

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Answer:
        """Status and body of the answer."""
        keyed = [] if key is None else [("idempotency-key", key)]
        plain, _, query = path.partition("?")
        call = HttpCall(
            method=method,
            path=plain,
            query=query,
            headers=[("content-type", "application/json"), ("host", SITE.domain), *keyed],
            body=b"" if body is None else json.dumps(body).encode(),
            source_ip=ADDRESS,
            request_id="f7ba6f6a12b795f=",
            at=self.clock.now(),
        )
        parts = plain.split("/")
        handler = ROUTES[parts[3] if parts[1] == "v1" else parts[2]]
        answer = handler.bind(self.deps)(http_event(SITE, call, f"{method} {plain}", {}), Context())
        return answer["statusCode"], json.loads(answer["body"])

    def fund(self, wallet: Wallet, locked: int, requested: int = 0) -> None:
        """What the mirror says of a wallet."""
        self.change(
            "insert into netting.wallet_balances values (%(w)s, %(l)s, %(r)s, 1, %(now)s)",
            w=wallet.address,
            l=locked,
            r=requested,
        )

    def item(self, item_id: str, owner: Wallet | None) -> None:
        """What the mirror says of an item."""
        self.change(
            "insert into netting.item_ownership (item_id, mint, owner, read_at) values (%(i)s, %(m)s, %(o)s, %(now)s)",
            i=item_id,
            m=Wallet.named(item_id).address,
            o=owner and owner.address,
        )

    def ask(self, what: str, wallet: Wallet, key: str | None = None, **body: Any) -> Answer:
        """An offer: what is "funds/deposit" and its like."""
        self._asked += 1
        sent = {"wallet": wallet.address, **body}
        return self.post(f"/v1/netting/custody/{what}", sent, key=key or f"ask-{self._asked}")

    def confirm(self, offer: Mapping[str, Any], signer: Wallet) -> Answer:
        """Hand an offer back."""
        return self.post(f"/v1/netting/custody/{offer['id']}/confirm", {"transaction": sign(offer, signer)})

    def end(self, key: str, state: State, error: Any = None) -> None:
        """What the submit task does once the cluster has decided."""
        entry = self.deps.outbox.entry(key)
        assert entry is not None, key
        changed = {name: getattr(entry, name) for name in SolanaEntry.__slots__} | {"state": state, "error": error}
        with self.faked.postgres.transaction() as tx:
            self.deps.ends.settled(tx, SolanaEntry(**changed))

    def close_withdrawals(self) -> list[str]:
        """Deliver what frees reservations; the states of those tasks."""
        for row in self.rows("select id from kernel.tasks where kind = %(k)s and state = 'ready'", k=CLOSE):
            record = {"messageId": "1", "receiptHandle": "1", "eventSource": "aws:sqs", "attributes": {}}
            body = json.dumps({"task_id": str(row["id"])})
            event = {"Records": [{**record, "messageAttributes": {}, "body": body}]}
            queue_close_withdrawal.handler.bind(self.deps)(event, Context())
        return [row["state"] for row in self.rows("select state from kernel.tasks where kind = %(k)s", k=CLOSE)]

    def request(self, owner: Wallet = WALLET, **changes: Any) -> dict[str, Any]:
        """What an owner posts for a session key."""
        issued_at = self.clock.now().replace(microsecond=0)
        until = int((issued_at + timedelta(hours=1)).timestamp())
        fields: dict[str, Any] = {
            "domain": DOMAIN,
            "address": owner.address,
            "statement": "Let this key trade for me.",
            "uri": f"https://{DOMAIN}",
            "chain_id": "localnet",
            "nonce": self.get("/api/user/nonce")[1]["nonce"],
            "issued_at": issued_at.isoformat().replace("+00:00", "Z"),
            "resources": (f"counterpart:session:{owner.session.address}:5:{until}",),
        }
        text = siws.render(siws.Message(**{**fields, **changes}))
        return {
            "ownerPubkey": owner.address,
            "sessionPubkey": owner.session.address,
            "maxVolumeLamports": "5",
            "expiresInSeconds": 3_600,
            "allowedActions": ["BID"],
            "text": text,
            "signature": base58.encode(owner.signer.sign_message(text.encode())),
        }

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def reserved(self) -> list[str]:
        """What is spoken for."""
        return [row["subject"] for row in self.rows("select subject from netting.reservations")]

    def change(self, sql: str, **params: Any) -> None:
        """Let something happen elsewhere."""
        with self.office.transaction() as tx:
            tx.execute(sql, **params, now=self.clock.now())


def sign(offer: Mapping[str, Any], signer: Wallet) -> str:
    """An offered transaction with a wallet's signature in its place."""
    raw = bytearray(base64.b64decode(offer["transaction"]))
    message = bytes(raw[1 + 64 * raw[0] :])
    at = 1 + 64 * required_signers(message).index(signer.address)
    raw[at : at + 64] = signer.signer.sign_message(message)
    return base64.b64encode(bytes(raw)).decode()
