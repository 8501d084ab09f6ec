"""What a deployed stack must do before anybody relies on it, one trigger after the other, through its own addresses."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from infra.local import aws
from infra.local.cloud import LocalCloud
from infra.local.deployment.emulated import Deployed, deploy_beside
from infra.local.exchanges import server as exchanges
from infra.local.exchanges.listings import COINS
from infra.local.failures import LocalFailure
from infra.local.flare.accounts import ETHER
from infra.local.flare.feeds import mainnet_feeds
from infra.local.flare.network import FlareNetwork, deploy_network
from infra.local.flare.reading import events
from infra.local.flare.timing import Timing
from infra.local.oracle_market import CHAIN_ID, stretched
from infra.local.oracle_stack import provider_environment
from infra.local.runner.events import scheduled_event
from kernel.auth import ApiKeys, Role, Tier
from kernel.clock import SystemClock
from kernel.postgres import Postgres
from kernel.realtime import Realtime, Registry
from kernel.tasks import SqsSender, Tasks, TaskSpec
from kernel.tasks.messages import SEND_AHEAD_S
from kernel.upstash import Upstash

T = TypeVar("T")
#: A schedule fires once a minute, into a container that may have to unpack its layers first.
SCHEDULE_S, QUEUE_S, ROUND_S = SEND_AHEAD_S + 120.0, 90.0, 480.0
#: Long enough for containers that start while the round runs.
TIMING = Timing(voting_epoch_s=40, reveal_deadline_s=20)


#: What a collector in another region is. The first stage collects at seconds that are multiples of this.
COLLECTOR, COLLECT_STEP_S = ("oracle/cron_collect", "oracle/queue_collect"), 5
#: A collection is of no use half a minute late, and a first container may start later than that; so there are several.
TICKS, TICK_S = 5, 45.0
COLLECTED_ALONE = f"""select state from kernel.tasks where kind = 'oracle.collect' and state = 'done'
    and mod(extract(second from run_at)::int, {COLLECT_STEP_S}) <> 0"""


class SmokeFailed(LocalFailure):
    """The deployed stack did not do what it is for."""


def over_http(cloud: LocalCloud, deployed: Deployed) -> str:
    """The API answers, admits who has a key, and sees its database, Redis and queues."""
    refused = deployed.request("GET", "/health/deep").status_code
    postgres = Postgres(cloud.database_url)
    issued = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="smoke", actor="smoke")
    postgres.close()
    answer = deployed.request("GET", "/health/deep", headers={"X-Api-Key": issued.key})
    if (refused, answer.status_code) != (401, 200):
        raise SmokeFailed(f"/health/deep: {refused} without a key, {answer.status_code} with one: {answer.text[:500]}")
    return f"401 without a key, 200 with one: {', '.join(_states(answer.json()))}"


def over_websocket(cloud: LocalCloud, deployed: Deployed) -> str:
    """A client subscribes, and what is published afterwards comes by queue, fan-out and API Gateway's posts."""
    return asyncio.run(_listen(cloud, deployed))


def by_queue(cloud: LocalCloud, deployed: Deployed) -> str:
    """A message that is no task goes through the dead-letter queue to its function, which keeps it."""
    sqs = deployed.aws.client("sqs")
    sqs.send_message(QueueUrl=deployed.queue_url("dead-letters"), MessageBody=json.dumps({"smoke": "no task"}))
    row = _eventually(lambda: _one(cloud, "select verdict from kernel.dead_letters"), QUEUE_S, "the dead letter")
    return f"kept as {row['verdict']}"


def set_for_later(cloud: LocalCloud, deployed: Deployed) -> None:
    """Record a task that is due later than its sender looks ahead, for `by_schedule` to look at."""
    postgres = Postgres(cloud.database_url)
    wallet = {"chain": "evm:1", "address": "0x" + "0" * 40}
    later = datetime.now(UTC) + timedelta(seconds=SEND_AHEAD_S + 5)
    spec = TaskSpec(kind="ops.check_wallet", business_key="smoke", payload=wallet, run_at=later)
    Tasks(postgres, SqsSender(deployed.queue_url(""), deployed.aws.client("sqs"))).enqueue([spec])
    postgres.close()


def by_schedule(cloud: LocalCloud, _: Deployed) -> str:
    """What was set for later is sent by a minute's sweeper, and its function takes it."""
    ended = "select state, attempt from kernel.tasks where business_key = 'smoke' and attempt > 0"
    row = _eventually(lambda: _one(cloud, ended), SCHEDULE_S, "the swept task")
    return f"swept, tried {row['attempt']} times, {row['state']}"


def whole_round(cloud: LocalCloud, deployed: Deployed, environment: Mapping[str, str]) -> str:
    """Prices are collected, and a voting round is committed, revealed, signed and finalised on a local Flare."""
    venues = exchanges.start(cloud.children)
    flare = cloud.anvil("flare", chain_id=CHAIN_ID)
    feeds = [feed for feed in mainnet_feeds() if feed.name.partition("/")[0] in COINS]
    network = deploy_network(flare.url, vote_power_wei=[1_000_000 * ETHER], timing=TIMING, inflation_feeds=feeds)
    provider = provider_environment(cloud, flare, network, network.voters[0], venues.venue_urls)
    provider.pop("COUNTERPART_DATABASE_URL")  # one of its own, which a runner's stack would have
    deployed.told({**environment, **provider, **stretched(TIMING)})
    started = time.monotonic()
    relayed = _eventually(lambda: _finalised(network), ROUND_S, "a finalised round")
    waited_s = time.monotonic() - started
    return f"round {relayed['votingRoundId']} finalised, {waited_s:.0f} s after the first schedule could fire"


def collector_alone(cloud: LocalCloud, deployed: Deployed) -> str:
    """A stage with the collector and nothing else asks for a collection that the first stage does not, and makes it."""
    name = f"{deploy_beside(cloud, 'alone', COLLECTOR)}cron_collect"
    for _ in range(TICKS):
        moment = _tick(deployed, name)
        if _waited(lambda: _one(cloud, COLLECTED_ALONE), TICK_S) is not None:
            return f"collected what was asked for at {moment:%H:%M:%S}"
    raise SmokeFailed("a stage with the collector alone collected nothing")


def _tick(deployed: Deployed, name: str) -> datetime:
    """Call the schedule's function for a moment of its own, some seconds ahead."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    moment += timedelta(seconds=moment.second % COLLECT_STEP_S == 0)
    tick = scheduled_event(rule=name, at=moment, event_id=str(uuid4()), region=aws.REGION, account=aws.ACCOUNT)
    answer = deployed.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(tick).encode())
    if "FunctionError" in answer:
        raise SmokeFailed(f"{name}: {answer['Payload'].read()[:500]!r}")
    return moment


def _finalised(network: FlareNetwork) -> dict[str, Any] | None:
    return next(iter(events(network, "Relay", "ProtocolMessageRelayed")), None)


async def _listen(cloud: LocalCloud, deployed: Deployed) -> str:
    import websockets

    async with websockets.connect(deployed.websocket_url, open_timeout=QUEUE_S) as client:
        await client.send(json.dumps({"action": "subscribe", "topics": ["system"]}))
        acknowledged = json.loads(await asyncio.wait_for(client.recv(), QUEUE_S))
        await asyncio.to_thread(_publish, cloud, deployed)
        async with asyncio.timeout(QUEUE_S):
            while (told := json.loads(await client.recv()))["type"] != "data":
                pass
    if acknowledged["type"] != "ack" or told["body"] != {"smoke": "hello"}:
        raise SmokeFailed(f"the client was told {acknowledged} and {told}")
    return f"subscribed, then told number {told['sequence']} of {told['topic']}"


def _publish(cloud: LocalCloud, deployed: Deployed) -> None:
    queues = SqsSender(deployed.queue_url(""), deployed.aws.client("sqs"))
    upstash = Upstash(cloud.redis.rest_url, cloud.redis.token)
    Realtime(Registry(upstash), queues, SystemClock()).publish("system", {"smoke": "hello"})
    upstash.close()


def _states(health: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{part['name']} {part['state']}" for part in health["parts"])


def _one(cloud: LocalCloud, query: str) -> dict[str, Any] | None:
    postgres = Postgres(cloud.database_url)
    try:
        with postgres.transaction() as tx:
            return tx.maybe(query)
    finally:
        postgres.close()


def _eventually(ask: Callable[[], T | None], patience_s: float, what: str) -> T:
    answer = _waited(ask, patience_s)
    if answer is None:
        raise SmokeFailed(f"{what} did not come within {patience_s:.0f} s")
    return answer


def _waited(ask: Callable[[], T | None], patience_s: float) -> T | None:
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.5)
    return None
