"""Real handlers in crash runs: a genuine event goes in, and what Lambda would do with the answer is done."""

import json
from importlib import import_module
from typing import Any

from infra.local.settings import ROOT
from kernel.handler.entry import Entry
from kernel.keys.kms import AwsKms
from kernel.testing import InMemoryCache, InMemorySecrets
from kernel.testing.board import InMemoryBoard
from kernel.testing.kernel import settings_for
from kernel.testing.limiter import InMemoryLimiter
from kernel.wiring import Kernel
from tests.crash.harness.world import World

#: Less than a lease is long: a container is cut off before its lease ends.
REMAINING_MS = 30_000


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-crash"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out: time stands still while a handler runs."""
        return REMAINING_MS


class Served:
    """The queue handler of a kind of task, bound to dependencies over this world; give it to `World.work`."""

    def __init__(self, kind: str, deps: Any) -> None:
        service, verb = kind.split(".")
        entry: Entry[Any] = import_module(f"functions.{service}.queue_{verb}").handler
        self._handler = entry.bind(deps)
        self._event = json.loads((ROOT / f"events/{service}/queue_{verb}.json").read_text())

    def deliver(self, task_id: str) -> bool:
        """Hand over one message; False when it is to come again."""
        (record,) = self._event["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": task_id})}]}
        return not self._handler(event, Context())["batchItemFailures"]


def kernel_of(world: World, role: str, *, key_id: str) -> Kernel:
    """The kernel of a container in this world: its database, queue and clock are real, its keys lie in local AWS."""
    return Kernel(
        settings_for(world.site.database_url).model_copy(update={"kms_key_id": key_id}),
        role=role,
        clock=world.clock,
        secrets=InMemorySecrets(),
        sender=world.queue,
        cache=InMemoryCache(),
        limiter=InMemoryLimiter(),
        kms=AwsKms(world.aws_client("kms")),
        board=InMemoryBoard(),
    )
