"""The treasury under test: real Postgres, real chains, the ops handlers, and the kernel's fakes for the rest."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions.ops import (
    http_inlets,
    http_treasury,
    queue_check_wallet,
    queue_submit_evm_transaction,
    queue_submit_solana_transaction,
    queue_take_deposit,
)
from functions.ops.adapters.chains import KEY_PURPOSE
from functions.ops.wiring import ROLE, Deps, Settings, SignerDeps
from infra.local.anvil import AnvilNode
from kernel.auth import Role, Tier
from kernel.handler import Entry
from kernel.keys.vault import Vault
from kernel.ledger import Ledger
from kernel.tasks import TaskRecord
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

GWEI, ETHER = 10**9, 10**18
LOCALNET = "solana:localnet"
HANDLERS: Mapping[str, tuple[Entry[Any], type[Deps]]] = {
    "ops.check_wallet": (queue_check_wallet.handler, Deps),
    "ops.take_deposit": (queue_take_deposit.handler, Deps),
    "ops.submit_evm_transaction": (queue_submit_evm_transaction.handler, SignerDeps),
    "ops.submit_solana_transaction": (queue_submit_solana_transaction.handler, SignerDeps),
}
APIS: Mapping[str, Any] = {"http_treasury": http_treasury.handler, "http_inlets": http_inlets.handler}
ROUNDS_MAX = 400
Answer = tuple[int, dict[str, Any]]


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 20_000


def event(name: str) -> dict[str, Any]:
    """A committed event of the ops slice."""
    loaded: dict[str, Any] = json.loads(Path(f"events/ops/{name}.json").read_text(encoding="utf-8"))
    return loaded


@dataclass
class Purse:
    """The ops slice on one database and some chains; `run` delivers every message that is due, as the queues would."""

    database_url: str
    chains: tuple[dict[str, Any], ...]
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.kernel = FakedKernel(self.database_url, role=ROLE, clock=self.clock)
        self.settings = Settings(chains=self.chains)
        self.deps = SignerDeps(self.kernel, self.settings)
        self.vault = Vault(self.kernel.postgres, self.kernel.envelope, self.clock)
        self.keys = {role: self._key(role) for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)}

    def keep(self, chain: str, private_key: bytes | None = None) -> str:
        """A key in the vault; its address."""
        return self.vault.keep(private_key or os.urandom(32), actor="a test", purpose=KEY_PURPOSE, chain=chain)

    def call(
        self, name: str, *, role: Role | None = Role.ADMIN, key: str | None = None, body: Any = None, path: str = ""
    ) -> Answer:
        """Status and body of the answer to a committed event with another body, path or Idempotency-Key."""
        sent = event(name)
        headers = {one: value for one, value in sent["headers"].items() if one not in ("x-api-key", "content-length")}
        if role is not None:
            headers["x-api-key"] = self.keys[role]
        if key is not None:
            headers["idempotency-key"] = key
        if body is not None:
            sent["body"] = json.dumps(body)
        if path:
            sent["rawPath"] = sent["requestContext"]["http"]["path"] = path
        answer = APIS[name.partition(".")[0]].bind(self.deps)({**sent, "headers": headers}, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def declare(
        self, chain: str, address: str, *, floor: int = 0, target: int = 0, funded_by: str | None = None
    ) -> Answer:
        """Take a wallet into the treasury."""
        amounts = {"floor_base_units": str(floor), "target_base_units": str(max(floor, target))}
        body = {"service": "bridge", "chain": chain, "address": address, "funded_by": funded_by, "reason": "a test"}
        return self.call("http_treasury.declare", body=body | amounts)

    def send(self, key: str, chain: str, sender: str, recipient: str, amount: int) -> Answer:
        """Ask for a transfer."""
        body = {"chain": chain, "sender": sender, "recipient": recipient, "reason": "a test"}
        return self.call("http_treasury.transfer", key=key, body=body | {"amount_base_units": str(amount)})

    def transfer(self, key: str) -> dict[str, Any]:
        """A transfer as the API shows it."""
        status, body = self.call("http_treasury.transfer_by_key", path=f"/v1/ops/treasury/transfers/{key}")
        assert status == 200, body
        return body

    def wallet(self, address: str) -> dict[str, Any]:
        """A wallet as the API shows it."""
        _, body = self.call("http_treasury")
        [found] = [one for one in body["wallets"] if one["address"] == address]
        return dict(found)

    def balance(self, address: str, account: str = "wallet") -> int:
        """What one of a wallet's accounts holds."""
        wallet = next(one for one in self.deps.treasury.wallets() if one.address == address)
        name = {
            "wallet": wallet.account,
            "in_transit": wallet.in_transit,
            "fees": wallet.fees,
            "outside": wallet.outside,
        }
        with self.kernel.postgres.transaction() as tx:
            return Ledger().balance(tx, name[account], wallet.asset)

    def check(self, chain: str, address: str) -> str | None:
        """Check a wallet now; the verdict."""
        found = self.deps.checks.check(chain, address)
        return None if found is None else found.verdict

    def deliver(self, task_id: object) -> TaskRecord:
        """Deliver a task's message to the handler of its kind; the task afterwards."""
        task = self.kernel.tasks.get(task_id)  # type: ignore[arg-type]  # an id in any form
        handler, deps = HANDLERS[task.kind]
        message = event(f"queue_{task.kind.removeprefix('ops.')}")
        message["Records"][0]["body"] = json.dumps({"task_id": str(task.id)})
        assert handler.bind(deps(self.kernel, self.settings))(message, Context()) == {"batchItemFailures": []}
        return self.kernel.tasks.get(task.id)

    def due(self) -> list[Any]:
        """Open tasks of the treasury, the soonest first."""
        query = "select id, run_at from kernel.tasks where state = 'ready' and kind = any(%(kinds)s) order by 2, 1"
        with self.kernel.postgres.transaction() as tx:
            return tx.all(query, kinds=list(HANDLERS))

    def run(self, *, mine: Any = None) -> None:
        """Deliver what is due, moving the clock on to it, until nothing is open; `mine` is called before each."""
        for _ in range(ROUNDS_MAX):
            open_tasks = self.due()
            if not open_tasks:
                return
            first = open_tasks[0]
            self.clock.advance(max(0.0, (first["run_at"] - self.clock.now()) / timedelta(seconds=1)))
            if mine is not None:
                mine()
            self.deliver(first["id"])
        raise AssertionError(f"still open: {self.due()}")

    def close(self) -> None:
        """Give back the connections."""
        self.kernel.close()

    def _key(self, role: Role) -> str:
        return self.kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key


def evm_chain(node: AnvilNode, *urls: str, **changes: Any) -> dict[str, Any]:
    """The settings of a local EVM chain, final at once."""
    return {
        "chain": f"evm:{node.chain_id}",
        "rpc_urls": f"plain:{' '.join(urls or (node.url,))}",
        "confirmations": 1,
        "fee_cap_wei": 200 * GWEI,
        "poll_s": 1,
        **changes,
    }


def fund(node: AnvilNode, address: str, ether: int) -> None:
    """Give an address so much from nowhere."""
    node.rpc("anvil_setBalance", address, hex(ether * ETHER))


def on_chain(node: AnvilNode, address: str) -> int:
    """Wei that an address holds."""
    return int(node.rpc("eth_getBalance", address, "latest"), 16)


def code(answer: Answer) -> tuple[int, str]:
    """The status and the error's code."""
    return answer[0], answer[1]["error"]["code"]
