"""The façade: one Runner holds the fork server, the clock of schedules, and any number of stacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from infra.local import settings
from infra.local.children import Children
from infra.local.runner.chaos import CALM, Chaos
from infra.local.runner.containers import WARM_FIRST, WARM_LATER, ForkServer
from infra.local.runner.gateway import GatewayLoop
from infra.local.runner.serverless import REGION
from infra.local.runner.stack import Host, Stack, StackSpec

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

SERVERLESS = settings.ROOT / "serverless.yml"
DELIVERIES_MAX = 128
REQUESTS_MAX = 64
POLLERS_MAX = 200
CONCURRENCY_MAX = 4


class Runner:
    """Runs stacks of one serverless.yml against a local cloud.

    with Runner(cloud.environment(), folder=cloud.folder, children=cloud.children) as runner:
        provider = runner.stack("provider-1", {"COUNTERPART_ORACLE_...": "..."}, services=("oracle",)).start()
    """

    def __init__(
        self,
        cloud_env: Mapping[str, str],
        serverless_path: Path = SERVERLESS,
        *,
        chaos: Chaos = CALM,
        folder: Path | None = None,
        children: Children | None = None,
        warm: tuple[Sequence[str], Sequence[str]] = (WARM_FIRST, WARM_LATER),
        concurrency_max: int = CONCURRENCY_MAX,
    ) -> None:
        """cloud_env: what every function is told, with AWS_ENDPOINT_URL; folder: for logs; children: whose child the
        fork server is (own ones otherwise); warm: modules it imports before and after its first fork;
        concurrency_max: containers a function, at most."""
        self.folder = folder or settings.LOCAL / "run" / "runner"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own_children = Children(self.folder) if children is None else None
        self._cloud_env, self._path = dict(cloud_env), serverless_path
        first, later = warm
        server = ForkServer(
            children or self._own_children or Children(self.folder), first=tuple(first), later=tuple(later)
        )
        self._host = Host(
            server=server,
            loop=GatewayLoop(),
            client=_sqs(cloud_env),
            sqs_url=cloud_env["AWS_ENDPOINT_URL"].rstrip("/"),
            region=cloud_env.get("AWS_REGION", REGION),
            deliveries=ThreadPoolExecutor(DELIVERIES_MAX, thread_name_prefix="deliver"),
            requests=ThreadPoolExecutor(REQUESTS_MAX, thread_name_prefix="request"),
            chaos=chaos,
            folder=self.folder,
            concurrency_max=concurrency_max,
        )
        self.stacks: dict[str, Stack] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._tick, name="schedules", daemon=True).start()

    @property
    def fork_server_pid(self) -> int:
        """The process id of the containers' parent."""
        return self._host.server.pid

    def wait_warm(self) -> None:
        """Wait until every vendor is imported and a container starts in milliseconds; stacks do this by themselves."""
        self._host.server.wait_warm()

    def stack(
        self,
        name: str,
        env: Mapping[str, str] | None = None,
        services: Sequence[str] | None = None,
        *,
        port: int = 0,
    ) -> Stack:
        """A new, stopped stack. ``env`` adds to and replaces every function's variables; ``services``: only these
        slices; ``port``: of its address, a free one by default. BadBundle and UnresolvedVariable say what is wrong."""
        if name in self.stacks:
            raise ValueError(f"this runner has a stack {name} already")
        merged = {**self._cloud_env, **(env or {})}
        stack = Stack(
            self._host,
            StackSpec(
                name=name, path=self._path, env=merged, services=tuple(services) if services else None, port=port
            ),
        )
        self.stacks[name] = stack
        return stack

    def _tick(self) -> None:
        """On every minute, as EventBridge: what is due fires once."""
        while not self._closed.wait(60 - time.time() % 60):
            # A wait may end a moment early; the minute is the nearest one.
            minute = datetime.fromtimestamp(round(time.time() / 60) * 60, UTC)
            for stack in list(self.stacks.values()):
                stack.tick(minute)
                stack.retire_idle()
            self._closed.wait(1)

    def close(self) -> None:
        """Stop every stack and end every process."""
        self._closed.set()
        # Called from the last to the first, each even when one before it failed.
        with ExitStack() as ends:
            if self._own_children:
                ends.callback(self._own_children.stop)
            ends.callback(self._host.client.close)
            ends.callback(self._host.loop.close)
            ends.callback(self._host.server.close)
            ends.callback(self._host.requests.shutdown, wait=False, cancel_futures=True)
            ends.callback(self._host.deliveries.shutdown, wait=False, cancel_futures=True)
            for stack in self.stacks.values():
                ends.callback(stack.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sqs(cloud_env: Mapping[str, str]) -> SQSClient:
    import boto3
    from botocore.config import Config

    # A session of our own: the default one would read the developer's profile.
    session = boto3.session.Session(
        aws_access_key_id=cloud_env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud_env["AWS_SECRET_ACCESS_KEY"],
        region_name=cloud_env.get("AWS_REGION", REGION),
    )
    config = Config(max_pool_connections=POLLERS_MAX, retries={"total_max_attempts": 2}, read_timeout=30)
    return session.client("sqs", endpoint_url=cloud_env["AWS_ENDPOINT_URL"], config=config)
