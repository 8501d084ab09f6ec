"""The webhooks' intake under test: real Postgres, the handler, and letters as the providers send them."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.ops.adapters.hook_settings import HookSettings
from functions.ops.http_hooks import handler
from functions.ops.wiring import ROLE, Deps, Settings
from infra.local.notices import Alchemy, Helius, Letter, QuickNode
from infra.local.settings import ROOT
from kernel.evm.log_cursor import Watch
from kernel.solana.program_cursor import ProgramWatch
from kernel.testing import FakeClock, InMemorySecrets
from kernel.testing.kernel import FakedKernel
from kernel.watches import Watches
from tests.unit.hooks.payloads import CHAIN_ID, CONTRACT, PROGRAM, log

EVENT = json.loads((ROOT / "events/ops/http_hooks.json").read_text(encoding="utf-8"))
KIND, PROGRAM_KIND = "bridge.chain_events", "netting.chain_events"
WATCH = Watch(name="orders", chain_id=CHAIN_ID, addresses=(CONTRACT,), kind=KIND, start_block=0)
PROGRAM_WATCH = ProgramWatch(name="settlements", cluster="mainnet", address=PROGRAM, kind=PROGRAM_KIND)
ALCHEMY = Alchemy(key="alchemy-key", network="ETH_MAINNET")
QUICKNODE = QuickNode(token="quicknode-token", network="ethereum-mainnet")
HELIUS = Helius(secret="helius secret")
HOOKS: tuple[Mapping[str, Any], ...] = (
    {"provider": "alchemy", "secret": "ssm:alchemy"},
    {"provider": "quicknode", "secret": "ssm:quicknode", "chain": "evm:1"},
    {"provider": "helius", "secret": "ssm:helius", "chain": "solana:mainnet"},
)
SECRETS = {"ssm:alchemy": ALCHEMY.key, "ssm:quicknode": QUICKNODE.token, "ssm:helius": HELIUS.secret}
Answer = tuple[int, dict[str, Any]]


@dataclass
class Postbox:
    """The intake with its secrets; `post` is a delivery, `tasks` what is stored."""

    database_url: str
    hooks: tuple[Mapping[str, Any], ...] = HOOKS
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.kernel = FakedKernel(self.database_url, role=ROLE, clock=self.clock)
        self.secrets = InMemorySecrets(SECRETS)
        self.kernel.secrets = self.secrets
        self.entry = handler.bind(Deps(self.kernel, self.settings()))

    def settings(self) -> Settings:
        """The ops settings with these webhooks."""
        return Settings(hooks=tuple(HookSettings(**hook) for hook in self.hooks))

    def watch(self, *watches: Watch | ProgramWatch) -> None:
        """Declare what is watched."""
        with self.kernel.postgres.transaction() as tx:
            for one in watches:
                Watches(self.clock).declare(tx, one)

    def post(self, letter: Letter, *, encoded: bool = False, **headers: str) -> Answer:
        """Status and body of the answer; encoded: as API Gateway sends what it takes for no text."""
        answer = self.entry(posted(letter, encoded=encoded, **headers), None)
        return answer["statusCode"], json.loads(answer["body"])

    def post_all(self, letters: Iterable[Letter]) -> set[int]:
        """Every status that the letters were answered with."""
        return {self.post(letter)[0] for letter in letters}

    def tasks(self) -> dict[str, dict[str, Any]]:
        """The stored tasks' payloads by business key; a key that two kinds have is told with its kind."""
        with self.kernel.postgres.transaction() as tx:
            rows = tx.all("select kind, business_key, payload from kernel.tasks order by id")
        times = Counter(row["business_key"] for row in rows)
        return {
            key if times[key] == 1 else f"{row['kind']} {key}": row["payload"]
            for row in rows
            for key in [row["business_key"]]
        }

    def count(self) -> int:
        """How many tasks are stored."""
        with self.kernel.postgres.transaction() as tx:
            return int(tx.one("select count(*) as count from kernel.tasks")["count"])

    def close(self) -> None:
        """Give the connections back."""
        self.kernel.close()


def posted(letter: Letter, *, encoded: bool = False, **headers: str) -> dict[str, Any]:
    """The event of its delivery; encoded: as API Gateway sends what it takes for no text."""
    path = f"/hooks/{letter.provider}"
    context = EVENT["requestContext"]
    return {
        **EVENT,
        "rawPath": path,
        "headers": {**letter.headers, **headers},
        "requestContext": {**context, "http": {**context["http"], "path": path}},
        "body": base64.b64encode(letter.body).decode() if encoded else letter.body.decode(),
        "isBase64Encoded": encoded,
    }


def block(*logs: dict[str, Any], removed: bool = False) -> Letter:
    """Alchemy's delivery of the logs of one block."""
    told = logs or (log(),)
    return ALCHEMY.block(int(told[0]["blockNumber"], 16), told[0]["blockHash"], told, removed=removed)


def identity(told: dict[str, Any], suffix: str = "") -> str:
    """The business key of a log's task."""
    place = f"{told['blockHash'][2:]}:{told['transactionHash'][2:]}:{int(told['logIndex'], 16)}"
    return f"evm:{CHAIN_ID}:{place}{suffix}"


def refusal(answer: Answer) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def metrics(printed: str) -> dict[str, float]:
    """The last EMF line."""
    told = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return {name: value[0] for name, value in told[-1].items() if isinstance(value, list)}
