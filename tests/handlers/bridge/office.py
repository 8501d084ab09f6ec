"""The bridge's schedules and API under test: real handlers on a real Postgres, both chains simulated in process."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from functions.bridge import http_bridge
from functions.bridge.adapters.origin_settings import ZkSyncSettings
from functions.bridge.core.registry import Version
from functions.bridge.wiring import SignerDeps
from kernel.auth import Role, Tier
from kernel.testing import FakeClock
from tests.integration.bridge.house import HANDLERS, ORIGIN, Context, House, MortalKernel
from tests.integration.bridge.stage import ESCROW, ETHER, L2_CHAIN_ID, Stage

KEY = bytes(range(1, 33))
RECIPIENT = 0xC1
FEE_WEI = ETHER // 100
OPERATOR = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
ROUNDS_MAX = 300
Answer = tuple[int, dict[str, Any]]


def event(name: str) -> dict[str, Any]:
    """A committed event of the bridge."""
    loaded: dict[str, Any] = json.loads(Path(f"events/bridge/{name}.json").read_text(encoding="utf-8"))
    return loaded


class Office(House):
    """One deployment, with what operators and visitors ask of it."""

    @classmethod
    @contextmanager
    def open(cls, database_url: str, clock: FakeClock | None = None) -> Iterator["Office"]:
        """An office on a migrated database; both wallets' books are open."""
        clock = clock or FakeClock()
        office = cls(database_url, clock, KEY, lambda payer: Stage(clock, Version.V2, payer))
        office.office_url = database_url
        office.keys = {role: office._key(role) for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)}
        yield office
        office.close()

    keys: dict[Role, str]
    office_url: str

    def configure(self, **changes: Any) -> None:
        """Other settings from now on, in a fresh container."""
        self.settings = self.settings.model_copy(update=changes)
        self.deps = self._container()

    def another(self) -> SignerDeps:
        """A further container beside this one, with a connection of its own."""
        kernel, self.kernel = self.kernel, MortalKernel(self.office_url, self.doom, self.clock)
        further = self._container()
        self.kernel = kernel
        return further

    def collects_to(self, address: str | None) -> None:
        """The network as it is configured, and where its earnings go."""
        network = ZkSyncSettings(
            kind="zksync",
            name=ORIGIN,
            chain_id=L2_CHAIN_ID,
            rpc_urls="plain:http://simulated",
            escrow=ESCROW,
            start_block=0,
            account=self.settings.signer,
        )
        self.configure(origins=(network,), collect_to={ORIGIN: address} if address else {})

    def tick(self, entry: Any) -> dict[str, str]:
        """Deliver a schedule's event to its handler."""
        sent = event(str(entry.name).partition(".")[2])
        told: dict[str, str] = entry.bind(self.deps)(sent, Context())
        return told

    def get(self, path: str, *, role: Role | None = Role.ADMIN, **query: Any) -> Answer:
        """Ask the API."""
        return self.call("GET", path, role=role, query=query)

    def call(
        self,
        method: str,
        path: str,
        *,
        role: Role | None = Role.ADMIN,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Answer:
        """Status and body of the answer."""
        sent = event("http_bridge")
        dropped = ("x-api-key", "content-length")
        headers = {name: value for name, value in sent["headers"].items() if name not in dropped}
        if role is not None:
            headers["x-api-key"] = self.keys[role]
        if body is not None:
            headers["content-type"], sent["body"] = "application/json", json.dumps(body)
        sent["rawPath"] = sent["requestContext"]["http"]["path"] = path
        sent["requestContext"]["http"]["method"] = method
        sent["rawQueryString"] = urlencode(query or {})
        answer = http_bridge.handler.bind(self.deps)({**sent, "headers": headers}, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def lock(self, amount_wei: int = ETHER // 100, *, fee_wei: int = FEE_WEI, recipient: int = RECIPIENT) -> None:
        """A user's order, mined."""
        self.stage.lock(recipient, amount_wei, fee_wei)
        self.stage.l2.mine()

    def live(self, state: str = "completed") -> None:
        """Let the world go on until every order is in this state."""
        self.live_through(lambda: {row["state"] for row in self.rows("select state from bridge.orders")} == {state})

    def live_through(self, is_over: Callable[[], bool]) -> None:
        """Let the world go on until something holds."""
        for _ in range(ROUNDS_MAX):
            self.minute()
            self.work()
            if is_over():
                return
            self.stage.l1.mine()
            self.stage.l2.mine()
            self.stage.carry()
            self.clock.advance(5)
        raise AssertionError(self.rows("select order_id, generation, state, reason from bridge.orders"))

    def parked(self) -> None:
        """The one order has failed so often that a person is wanted."""
        failed = "is_failed = true, is_parked = true, attempts = 10, next_attempt_at = null"
        with self.office.transaction() as tx:
            tx.execute(f"update bridge.orders set {failed}")

    def due(self) -> list[dict[str, Any]]:
        """Tasks of the bridge; what it asks of others is theirs."""
        return [task for task in super().due() if task["kind"] in HANDLERS]

    def _key(self, role: Role) -> str:
        return self.kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key
