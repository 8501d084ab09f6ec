"""Real handlers in crash runs: a genuine event goes in, and what Lambda would do with the answer is done."""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from infra.local.settings import ROOT
from kernel.handler.entry import Entry
from kernel.keys.kms import AwsKms, Kms
from kernel.pinning import ContentStore
from kernel.testing import InMemoryCache, InMemorySecrets
from kernel.testing.board import InMemoryBoard
from kernel.testing.kernel import KEY_ID, settings_for
from kernel.testing.kms import InMemoryKms
from kernel.testing.limiter import InMemoryLimiter
from kernel.testing.realtime import InMemoryRealtime
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
    """The queue handler of a kind of message, bound to dependencies over this world; give it to `World.work`."""

    def __init__(self, kind: str, deps: Any) -> None:
        service, verb = kind.split(".")
        entry: Entry[Any] = import_module(f"functions.{service}.queue_{verb}").handler
        self._handler = entry.bind(deps)
        self._event = json.loads((ROOT / f"events/{service}/queue_{verb}.json").read_text())

    def deliver(self, body: Mapping[str, Any]) -> bool:
        """Hand over one message; False when it is to come again."""
        (record,) = self._event["Records"]
        event = {"Records": [{**record, "body": json.dumps(body)}]}
        return not self._handler(event, Context())["batchItemFailures"]


class AllServed(Mapping[str, Served]):
    """Every queue handler of a slice by its kind, each made when its first message comes."""

    def __init__(self, service: str, deps: Any) -> None:
        verbs = sorted(path.stem.removeprefix("queue_") for path in (ROOT / f"functions/{service}").glob("queue_*.py"))
        self._kinds, self._deps = tuple(f"{service}.{verb}" for verb in verbs), deps
        self._made: dict[str, Served] = {}

    def __getitem__(self, kind: str) -> Served:
        if kind not in self._made:
            self._made[kind] = Served(kind, self._deps)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def kernel_of(
    world: World,
    role: str,
    *,
    key_id: str | None = None,
    secrets: Mapping[str, str] | None = None,
    content: ContentStore | None = None,
) -> Kernel:
    """The kernel of a container in this world: all real but what is lost with it; a named key is local AWS's.

    content: stands for the bucket of pinned content.
    """
    kms: Kms = AwsKms(world.aws_client("kms")) if key_id else InMemoryKms((KEY_ID,))
    return Kernel(
        settings_for(world.site.database_url).model_copy(update={"kms_key_id": key_id or KEY_ID}),
        role=role,
        clock=world.clock,
        secrets=InMemorySecrets(secrets or {}),
        sender=world.queue,
        cache=InMemoryCache(),
        limiter=InMemoryLimiter(),
        kms=kms,
        board=InMemoryBoard(),
        publisher=InMemoryRealtime(),
        content=content,
    )
