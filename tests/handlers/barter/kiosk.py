"""The monitor of exchanges under test: real routes on a real Postgres, over one exchange on a real node."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from functions.barter import http_barter, http_rpc
from functions.barter.adapters.stored import StoredJob
from functions.barter.core.certificate import certify
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.job import Event, Mode
from functions.barter.core.journal import direct_seal, journal_of
from functions.barter.core.watch import Trade
from functions.barter.wiring import ROLE, Deps, Settings
from infra.local.anvil import AnvilNode
from kernel.auth import Role, Tier
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.webhooks.endpoints import Endpoints

SETTLER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
#: S3 keeps its own; S1 to S2 to S5; S4 and S6 swap.
LISTS = [[2, 1, 3], [2, 4, 5], [], [1, 4, 5], [0, 2, 1], [1, 3, 4]]
RECEIVED = [1, 4, 2, 5, 0, 3]
JOURNAL = journal_of(top_trading_cycles(LISTS))
SEAL = direct_seal(certify(LISTS))
TRADE = Trade(12, bytes(range(32)))
Answer = tuple[int, Any]


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


class Kiosk:
    """One deployment, and who asks it."""

    def __init__(self, database_url: str, node: AnvilNode) -> None:
        self.clock = FakeClock()
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        settings = Settings(chain_id=node.chain_id, rpc_urls=f"plain:{node.url}", settler=SETTLER)
        self.deps = Deps(self.kernel, settings)
        self._office = Postgres(database_url, role="counterpart_ops")
        keys = self.kernel.api_keys
        self.key = keys.issue(tier=Tier.ADMIN, role=Role.VIEWER, label="a test", actor="a test").key

    def close(self) -> None:
        """End the connections."""
        self.kernel.close()
        self._office.close()

    def listen(self) -> None:
        """Somebody receives webhooks about exchanges from now on."""
        endpoints = Endpoints(self._office, self.kernel.envelope, self.clock)
        endpoints.create(owner="service:a", url="https://hooks.example.org/", topics=("barter.*",), actor="ada")

    def told(self) -> list[str]:
        """The webhooks that were published, by topic."""
        with self._office.transaction() as tx:
            return [row["topic"] for row in tx.all("select topic from kernel.webhook_messages order by published_at")]

    def say(self, body: Any, *, path: str = "/barter/rpc", key: str | None = "") -> Answer:
        """Status and body of JSON-RPC's answer; the body is None where there is none. A text is sent as it is."""
        text = body if isinstance(body, str) else json.dumps(body)
        return self._call(http_rpc, "http_rpc", "POST", path, text, key)

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one method."""
        status, told = self.say({"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1})
        assert (200, {"jsonrpc", "result", "id"}) == (status, set(told)), told
        return told["result"]

    def refused(self, method: str, *params: Any) -> dict[str, Any]:
        """The error of one method."""
        status, told = self.say({"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1})
        assert (200, {"jsonrpc", "error", "id"}) == (status, set(told)), told
        error: dict[str, Any] = told["error"]
        return error

    def get(self, path: str, **query: Any) -> Answer:
        """Status and body of what REST answers."""
        return self._call(http_barter, "http_barter", "GET", path, None, "", query)

    def job(self, address: str) -> StoredJob:
        """The proof of an exchange's Trade is owed from now on."""
        with self.kernel.postgres.transaction() as tx:
            return self.deps.jobs.owe(tx, self.deps.watches.hold(tx, address), TRADE)

    def begin(self, job: StoredJob) -> StoredJob:
        """Somebody begins an attempt."""
        with self.kernel.postgres.transaction() as tx:
            return self.deps.jobs.move(tx, job, Event.BEGIN, mode=Mode.DIRECT, agents=len(LISTS))

    def complete(self, job: StoredJob) -> StoredJob:
        """It is stored."""
        with self.kernel.postgres.transaction() as tx:
            return self.deps.jobs.move(tx, job, Event.COMPLETE, proof=(JOURNAL, SEAL))

    def fail(self, job: StoredJob, reason: str) -> StoredJob:
        """It came to nothing."""
        with self.kernel.postgres.transaction() as tx:
            return self.deps.jobs.fail(tx, job, reason)

    def _call(
        self,
        module: Any,
        name: str,
        method: str,
        path: str,
        body: str | None,
        key: str | None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        sent = json.loads(Path(f"events/barter/{name}.json").read_text(encoding="utf-8"))
        headers = {k: v for k, v in sent["headers"].items() if k not in ("x-api-key", "content-length")}
        if key is not None:
            headers["x-api-key"] = key or self.key
        if body is not None:
            headers["content-type"], sent["body"] = "application/json", body
        sent["rawPath"] = sent["requestContext"]["http"]["path"] = path
        sent["requestContext"]["http"]["method"] = method
        sent["rawQueryString"] = urlencode(query or {})
        answer = module.handler.bind(self.deps)({**sent, "headers": headers}, Context())
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None
