"""Webhooks: with the commit that comes true, every receiver gets the message at least once, always under one id."""

import json
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from functions.ops.wiring import ROLE, Settings, SignerDeps
from kernel.webhooks.post import Answer
from kernel.webhooks.publishing import KIND
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served, kernel_of
from tests.crash.harness.world import World

WRAPPING_KEY, TOPIC, ORDER = "alias/crash-webhooks", "ops.transfer_ended", "order-1"
#: The first is away at the first attempt.
HOSTS = ("slow.example.org", "well.example.org")
DELIVERIES = "select state, attempts, status from kernel.webhook_deliveries"
MESSAGES = "select business_key from kernel.webhook_messages"


class Receivers:
    """The receivers, who outlive every process: what came is a line in a file of the run."""

    def __init__(self, world: World) -> None:
        self._path = world.site.path("received")

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """As `kernel.webhooks.post.Post`: the request has come, and is answered."""
        came = {"url": url, "id": headers["webhook-id"], "body": sha256(body).hexdigest()}
        with self._path.open("a") as file:
            file.write(json.dumps(came) + "\n")
        is_first = len([one for one in self.came() if one["url"] == url]) == 1
        return Answer(status=503) if is_first and HOSTS[0] in url else Answer(status=204)

    def came(self) -> list[dict[str, Any]]:
        """Everything, in its order."""
        return [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []


class Container:
    """One container: of the slice that publishes, and of the function that delivers."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def deps(self) -> SignerDeps:
        """As wiring.py builds them, over this world."""
        post = self.world.points.watched(Receivers(self.world), "send", name="http POST webhook")
        return SignerDeps(kernel_of(self.world, ROLE, key_id=WRAPPING_KEY), Settings(), post=post)

    def ask(self) -> None:
        """What a slice does in the transaction of its business."""
        kernel = self.deps.kernel
        with kernel.postgres.transaction() as tx:
            kernel.webhooks.publish(tx, TOPIC, ORDER, {"order": ORDER, "amount_wei": "1"})


@scenario("webhooks", needs=("aws",))
def webhooks(world: World) -> None:
    """Told once to two receivers, one of which is away at first."""
    container = Container(world)
    world.ask(container.ask)
    world.work({KIND: Served(KIND, container.deps)})


@webhooks.preparation
def make_receivers(world: World) -> None:
    """Their secrets lie sealed."""
    kms = world.aws_client("kms")
    if WRAPPING_KEY not in {one["AliasName"] for one in kms.list_aliases()["Aliases"]}:
        kms.create_alias(AliasName=WRAPPING_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    for host in HOSTS:
        Container(world).deps.webhook_endpoints.create(
            owner="service:ops", url=f"https://{host}/", topics=["ops.*"], actor="crash"
        )


@webhooks.verdict
def told_to_all_under_one_id(world: World) -> None:
    """Each receiver has it, and knows a repetition by its id; without a commit nobody heard anything."""
    came, deliveries = Receivers(world).came(), world.rows(DELIVERIES)
    published = [row["business_key"] for row in world.rows(MESSAGES)]
    assert published == [ORDER] or (not published and not world.caller_returns), published
    assert {one["url"] for one in came} == ({f"https://{host}/" for host in HOSTS} if published else set()), came
    assert len({(one["id"], one["body"]) for one in came}) == len(published), came
    assert [row["state"] for row in deliveries] == ["delivered"] * 2 * len(published), deliveries
    attempts = sum(row["attempts"] for row in deliveries)
    # One more for each death, or each worker that wakes, at most.
    assert 3 * len(published) <= len(came) <= attempts + world.variation.deaths, (came, deliveries)
