"""A stack: one deployment of the bundle with its own environment, queues, containers, schedules and address."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infra.local.runner import settings
from infra.local.runner.bundle import (
    Bundle,
    Function,
    HttpTrigger,
    QueueTrigger,
    ScheduleTrigger,
    WebSocketTrigger,
)
from infra.local.runner.chaos import Chaos
from infra.local.runner.containers import ForkServer, Invocation, new_request_id
from infra.local.runner.events import ApiSite, scheduled_event
from infra.local.runner.gateway import GatewayLoop, HttpApi, Route, listen
from infra.local.runner.pool import FunctionPool
from infra.local.runner.queues import EventSource, LocalQueue, create_queues, queue_depth
from infra.local.runner.runtime import ContainerSpec
from infra.local.runner.schedules import Schedule
from infra.local.runner.serverless import ACCOUNT, Deployment, load_bundle, service_name
from infra.local.runner.sockets import SocketApi

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

RECENT_MAX = 1000
BUILD_ROOTS = ("", "layers/kernel/python")


class UnknownFunction(Exception):
    """The bundle has no such function."""


class HandlerMissing(Exception):
    """functions.yml declares a handler whose file does not exist."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """What the stacks of one runner share."""

    server: ForkServer
    loop: GatewayLoop
    client: SQSClient
    sqs_url: str
    region: str
    deliveries: Executor
    requests: Executor
    chaos: Chaos
    folder: Path
    concurrency_max: int


@dataclass(frozen=True, kw_only=True)
class StackSpec:
    """What one stack is made of; ``services`` None means the whole bundle, ``port`` 0 a free one."""

    name: str
    path: Path
    env: Mapping[str, str]
    services: tuple[str, ...] | None = None
    port: int = 0


class Stack:
    """One deployment. Created stopped; a context manager that starts and stops it."""

    def __init__(self, host: Host, spec: StackSpec) -> None:
        self.name, self.stage, self._host = spec.name, f"local-{spec.name}", host
        self._listener = listen(spec.port)
        self.port = int(self._listener.getsockname()[1])
        self.gateway_url, self.ws_url = f"http://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}"
        self.log_path = host.folder / f"{spec.name}.log"
        self._log_fd = os.open(self.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._log_lock = threading.Lock()
        self.bundle = self._load(spec)
        self.missing = self.bundle.missing_handlers()
        self.running = threading.Event()
        self.recent: deque[Invocation] = deque(maxlen=RECENT_MAX)
        self.queues: dict[str, LocalQueue] = {}
        self._pools = {function.name: self._pool(function) for function in self.bundle.functions.values()}
        self._schedules = self._parsed_schedules()
        self._sources: list[EventSource] = []
        self._api = self._front()
        self._stop_serving = host.loop.serve(self._api, self._listener)
        self._started = False

    def _load(self, spec: StackSpec) -> Bundle:
        deployment = Deployment(
            stage=self.stage, region=self._host.region, sqs_url=self._host.sqs_url, overrides=self._overrides(spec)
        )
        bundle = load_bundle(spec.path, deployment)
        wanted = {
            name: function
            for name, function in bundle.functions.items()
            if spec.services is None or function.service in spec.services
        }
        return replace(bundle, functions=wanted)

    def _overrides(self, spec: StackSpec) -> dict[str, str]:
        return {
            "COUNTERPART_STAGE": "local",
            **spec.env,
            # boto3 reads this before AWS_ENDPOINT_URL: pushes to WebSocket clients come to this stack's front.
            "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": f"{self.gateway_url}/{self.stage}",
            "COUNTERPART_REALTIME_URL": f"{self.gateway_url}/{self.stage}",
            "COUNTERPART_QUEUE_URL_PREFIX": f"{self._host.sqs_url}/{ACCOUNT}/{service_name(spec.path)}-{self.stage}-",
        }

    def _pool(self, function: Function) -> FunctionPool:
        full_name = f"{self.bundle.service}-{self.stage}-{function.name}"
        limits = [trigger.concurrency_max for trigger in function.triggers if isinstance(trigger, QueueTrigger)]
        declared = [limit for limit in (function.reserved_concurrency, *limits) if limit]
        spec = ContainerSpec(
            function_name=full_name,
            label=function.name,
            arn=f"arn:aws:lambda:{self._host.region}:{ACCOUNT}:function:{full_name}",
            module=function.module,
            attribute=function.attribute,
            memory_mb=function.memory_mb,
            paths=tuple(str(self.bundle.root / root) for root in BUILD_ROOTS),
            environment=settings.function_environment(function, full_name, self._host.region),
            log_stream=f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{new_request_id().replace('-', '')}",
        )
        return FunctionPool(
            server=self._host.server,
            spec=spec,
            timeout_s=function.timeout_s,
            concurrency_max=min([self._host.concurrency_max, *declared]),
            log_fd=self._log_fd,
            write_log=lambda line: self.write_log(f"[{function.name}] {line}"),
        )

    def _parsed_schedules(self) -> list[tuple[Schedule, str]]:
        return [
            (Schedule.parse(trigger.expression), function.name)
            for function in self.bundle.functions.values()
            for trigger in function.triggers
            if isinstance(trigger, ScheduleTrigger)
        ]

    def _front(self) -> HttpApi:
        site = ApiSite(api_id=f"local{self.port}", domain=f"127.0.0.1:{self.port}", stage=self.stage, account=ACCOUNT)
        triggers = [
            (trigger, function.name) for function in self.bundle.functions.values() for trigger in function.triggers
        ]
        sockets = SocketApi(
            {trigger.route: (trigger, name) for trigger, name in triggers if isinstance(trigger, WebSocketTrigger)},
            site,
            self._answer,
            self._host.requests,
        )
        routes = [Route.compile(trigger, name) for trigger, name in triggers if isinstance(trigger, HttpTrigger)]
        return HttpApi(routes, sockets, replace(site, stage="$default"), self._answer, self._host.requests)

    def create_queues(self) -> None:
        """Create the queues, so that functions can be invoked and may send; start() does it too."""
        self.queues = create_queues(self._host.client, self.bundle)

    def start(self) -> Self:
        """Create the queues and let every trigger fire; containers start when they are first needed."""
        if self._started:
            return self
        self._host.server.wait_warm()
        self.create_queues()
        for name, sentence in self.missing.items():
            self.write_log(f"[{name}] MISSING {sentence} Its triggers are off.")
        for pool in self._pools.values():
            pool.reopen()
        self._sources = [
            self._source(function, trigger)
            for function in self.bundle.functions.values()
            for trigger in function.triggers
            if isinstance(trigger, QueueTrigger) and function.name not in self.missing
        ]
        self._started = True
        self.resume()
        for source in self._sources:
            source.start()
        return self

    def _source(self, function: Function, trigger: QueueTrigger) -> EventSource:
        pool = self._pools[function.name]
        return EventSource(
            client=self._host.client,
            queue=self.queues[trigger.queue],
            trigger=trigger,
            function=function.name,
            invoke=lambda event: self._invoke(function.name, event, new_request_id()),
            running=self.running,
            executor=self._host.deliveries,
            chaos=self._host.chaos,
            concurrency=pool.concurrency_max,
            write_log=lambda line: self.write_log(f"[{function.name}] {line}"),
        )

    def stop(self) -> None:
        """Let no trigger fire and end every container; queues keep their messages, and start() goes on with them."""
        self.pause()
        self._started = False
        for source in self._sources:
            source.stop()
        for pool in self._pools.values():
            pool.close()

    def close(self) -> None:
        """Stop for good and free the address; harmless when it was closed before."""
        if self._log_fd < 0:
            return
        self.stop()
        self._stop_serving()
        with self._log_lock:
            os.close(self._log_fd)
            self._log_fd = -1

    def pause(self) -> None:
        """Hold every trigger: queues keep their messages, ticks are lost, the address answers 503.

        Invocations that are under way go on.
        """
        self.running.clear()
        self._api.running.clear()

    def resume(self) -> None:
        """Let the triggers fire again."""
        self.running.set()
        self._api.running.set()

    def kill(self, function: str | None = None) -> list[int]:
        """SIGKILL the containers of one function, or all, as a dying host would; the process ids.

        Their messages come back after the visibility time-out. Triggers go on: pause() first for an outage.
        """
        pools = self._pools.values() if function is None else [self._pools[self._known(function)]]
        return [pid for pool in pools for pid in pool.kill()]

    def invoke(self, function: str, event: Any = None) -> Invocation:
        """Call one function with an event, in one of its containers, even while the stack is stopped or paused."""
        name = self._known(function)
        if name in self.missing:
            raise HandlerMissing(self.missing[name])
        self._pools[name].reopen()
        return self._invoke(name, {} if event is None else event, new_request_id())

    def fire(self, function: str, at: datetime | None = None) -> Invocation:
        """Fire a function's schedule now; ``at`` is the time its event says, by default this second."""
        rule = f"{self.bundle.service}-{self.stage}-{self._known(function)}-rule-1"
        event = scheduled_event(
            rule=rule,
            at=at or datetime.now(UTC),
            event_id=new_request_id(),
            region=self._host.region,
            account=ACCOUNT,
        )
        return self.invoke(function, event)

    def tick(self, minute: datetime) -> None:
        """Fire, each in its own thread, the schedules that are due in the minute that begins at ``minute``."""
        if self.running.is_set():
            for schedule, name in self._schedules:
                if schedule.due(minute) and name not in self.missing:
                    self._host.deliveries.submit(self._fire_due, name, minute)

    def _fire_due(self, name: str, minute: datetime) -> None:
        # Asked again: the stack may have been stopped while the call waited for its thread.
        if self.running.is_set():
            self.fire(name, minute)

    def retire_idle(self) -> None:
        """End containers that nobody has used for a while."""
        for pool in self._pools.values():
            pool.retire_idle()

    def depth(self, queue: str) -> dict[str, int]:
        """Visible, delayed and in-flight messages of the queue with this logical id."""
        return queue_depth(self._host.client, self.queues[queue].url)

    def pids(self, function: str | None = None) -> list[int]:
        """The process ids of the containers that live now."""
        pools = self._pools.values() if function is None else [self._pools[self._known(function)]]
        return [pid for pool in pools for pid in pool.pids]

    @property
    def connection_ids(self) -> list[str]:
        """The WebSocket connections that are open now."""
        return self._api.sockets.connection_ids

    def log(self) -> str:
        """Everything that the stack's functions and the runner have written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def write_log(self, line: str) -> None:
        """Add a line of the runner's own to the stack's log; after close() there is none."""
        with self._log_lock:
            if self._log_fd >= 0:
                os.write(self._log_fd, f"{datetime.now(UTC):%H:%M:%S.%f} {line}\n".encode())

    def _known(self, function: str) -> str:
        name = function.rpartition("/")[2]
        if name not in self._pools:
            raise UnknownFunction(f"{function}; there are: {', '.join(sorted(self._pools))}")
        return name

    def _answer(self, name: str, event: dict[str, Any], request_id: str) -> Invocation:
        """For the front: refused while paused, and a missing handler is named in the log."""
        if name in self.missing:
            self.write_log(f"[{name}] MISSING {self.missing[name]}")
        elif self.running.is_set():
            return self._invoke(name, event, request_id)
        reason = self.missing.get(name, "The stack is paused.")
        return Invocation(
            request_id=request_id, function=name, error_type="Stack.Unavailable", error=reason, duration_ms=0.0
        )

    def _invoke(self, name: str, event: Any, request_id: str) -> Invocation:
        done = self._pools[name].invoke(event, request_id)
        self.recent.append(done)
        return done

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
