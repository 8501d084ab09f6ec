"""A provider under test: real Postgres, a real chain with the Flare contracts, and the kernel's fakes for the rest."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from functions.oracle.wiring import KEY_PURPOSE, ROLE, Deps, Settings
from infra.local.anvil import AnvilNode
from infra.local.flare.accounts import DevAccount, Voter
from infra.local.flare.network import FlareNetwork
from kernel.handler import Entry
from kernel.keys.evm import seal_key
from kernel.tasks import TaskRecord
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

TIMING = {
    "commit_offset_s": 3,
    "reveal_offset_s": 1,
    "sign_offset_s": 4,
    "finalise_offset_s": 5,
    "finalise_grace_s": 1,
    "finalise_poll_s": 0.5,
    "confirm_every_s": 0.1,
}


def pass_time(deps: Deps, seconds: float) -> None:
    """Time passes for dependencies that no chain keeps the time of."""
    assert isinstance(deps.clock, FakeClock)
    deps.clock.advance(seconds)


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 20_000


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One voter's deployment. `run` delivers a task's message; the chain mines with every transaction."""

    voter: Voter
    node: AnvilNode
    deps: Deps
    kernel: FakedKernel
    database_url: str

    @classmethod
    def of(
        cls,
        network: FlareNetwork,
        node: AnvilNode,
        voter: Voter,
        database_url: str,
        clock: FakeClock,
        **settings: Any,
    ) -> "Provider":
        """A provider on its own database."""
        kernel = FakedKernel(database_url, role=ROLE, clock=clock)

        def sealed(account: DevAccount) -> str:
            address, blob = seal_key(
                kernel.envelope, account.private_key, purpose=KEY_PURPOSE, chain=str(network.chain_id)
            )
            return "plain:" + json.dumps({"address": address, "sealed": base64.b64encode(blob).decode()})

        given: dict[str, Any] = {
            "network": "local",
            "chain_id": network.chain_id,
            "rpc_urls": f"plain:{node.url}",
            "registry_address": network.registry,
            "submit_key": sealed(voter.submit),
            "submit_signatures_key": sealed(voter.submit_signatures),
            "signing_policy_key": sealed(voter.signing_policy),
            **TIMING,
            **settings,
        }
        deps = Deps(kernel, Settings(**given))
        return cls(voter=voter, node=node, deps=deps, kernel=kernel, database_url=database_url)

    def reborn(self) -> "Provider":
        """The same provider after its processes died: same database, same settings, empty memory."""
        self.deps.pool.close()
        return replace(self, deps=Deps(self.kernel, self.deps.settings))

    def close(self) -> None:
        """Let go of every connection."""
        self.deps.pool.close()
        self.deps.venues.close()
        self.kernel.close()

    def task(self, kind: str, business_key: str) -> TaskRecord:
        """A task of ours as it stands."""
        found = "select id from kernel.tasks where kind = %(kind)s and business_key = %(key)s"
        return self.deps.tasks.get(self.one(found, kind=kind, key=business_key)["id"])

    def run(self, handler: Entry[Any], kind: str, business_key: str) -> TaskRecord:
        """Deliver the task's message at its time and return the task."""
        task = self.task(kind, business_key)
        self.deliver(handler, task.id)
        return self.task(kind, business_key)

    def deliver(self, handler: Entry[Any], task_id: UUID) -> Any:
        """Deliver one message that names a task."""
        return handler.bind(self.deps)(sqs_event(json.dumps({"task_id": str(task_id)})), Context())

    def submit_all(self, handler: Entry[Any]) -> None:
        """Bring every open transaction onto the chain, into a block."""
        with self.kernel.postgres.transaction() as tx:
            rows = tx.all("select id from kernel.tasks where kind = 'oracle.submit_transaction' and state = 'ready'")
        for row in rows:
            self.deliver(handler, row["id"])
        self.node.wait_until_mined()

    def one(self, sql: str, **params: Any) -> dict[str, Any]:
        """One row of the provider's database."""
        with self.kernel.postgres.transaction() as tx:
            return dict(tx.one(sql, **params))


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A chain whose time is that of the test's clock, and providers on it."""

    node: AnvilNode
    network: FlareNetwork
    clock: FakeClock
    provider: Callable[..., Provider]

    @property
    def first_round(self) -> int:
        """The first round that lies wholly in the future."""
        return self.network.round_at(self.clock.time_s()) + 1

    def at(self, voting_round: int, offset_s: float) -> None:
        """Move chain and clock to a moment of a voting epoch, and mine a block there."""
        time_s = self.network.round_start_s(voting_round) + offset_s
        self.clock.set(datetime.fromtimestamp(time_s, UTC))
        self.node.rpc("evm_setNextBlockTimestamp", int(time_s))
        self.node.rpc("evm_mine")

    def everyone(self) -> "list[Provider]":
        """All four providers, each on a database of its own."""
        return [self.provider(index) for index in range(len(self.network.voters))]


def sqs_event(body: str) -> dict[str, Any]:
    """A batch of one message."""
    return {
        "Records": [
            {
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
                "receiptHandle": "handle",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1545082649183",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1545082649185",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:counterpart-test-oracle",
                "awsRegion": "eu-central-1",
            }
        ]
    }


def scheduled_event(at: datetime) -> dict[str, Any]:
    """The event of a minute schedule."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/every-minute"],
        "detail": {},
    }
