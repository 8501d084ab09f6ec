"""The containers of one function: warm ones are used again, new ones start up to the function's concurrency."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.local.runner.containers import Container, ForkServer, Invocation, new_request_id
from infra.local.runner.runtime import ContainerSpec

IDLE_S_MAX = 600.0
CLOSE_S_MAX = 5.0


@dataclass
class FunctionPool:
    """Runs invocations of one function; a caller beyond ``concurrency_max`` waits for a container to come free."""

    server: ForkServer
    spec: ContainerSpec
    timeout_s: float
    concurrency_max: int
    log_fd: int
    write_log: Callable[[str], None]
    _idle: list[Container] = field(default_factory=list)
    _busy: set[Container] = field(default_factory=set)
    _starting: int = 0
    _free: threading.Condition = field(default_factory=threading.Condition)
    closed: bool = False

    def invoke(self, event: Any, request_id: str | None = None) -> Invocation:
        """One invocation, in a warm container when there is one. Never raises for what the handler does."""
        request_id = request_id or new_request_id()
        container = self._take()
        if container is None:
            return self._refused(request_id)
        self.write_log(f"START RequestId: {request_id} Version: $LATEST")
        invocation = container.invoke(event, request_id, self.timeout_s)
        self._give_back(container)
        self._report(invocation)
        return invocation

    def _refused(self, request_id: str) -> Invocation:
        return Invocation(
            request_id=request_id,
            function=self.spec.function_name,
            error_type="Lambda.Stopped",
            error="The stack is stopped.",
            duration_ms=0.0,
        )

    def _take(self) -> Container | None:
        with self._free:
            while not self.closed:
                while self._idle:
                    container = self._idle.pop()
                    if container.alive:
                        self._busy.add(container)
                        return container
                    container.close()
                if len(self._busy) + self._starting < self.concurrency_max:
                    self._starting += 1
                    break
                self._free.wait()
            else:
                return None
        return self._start()

    def _start(self) -> Container | None:
        started: Container | None = None
        try:
            started = Container(self.server, self.spec, self.log_fd)
        finally:
            with self._free:
                self._starting -= 1
                wanted = not self.closed
                if started and wanted:
                    self._busy.add(started)
                else:
                    self._tell_waiters()
        if wanted:
            return started
        started.close()
        return None

    def _give_back(self, container: Container) -> None:
        with self._free:
            self._busy.discard(container)
            keep = container.alive and not self.closed
            if keep:
                self._idle.append(container)
            self._tell_waiters()
        if not keep:
            container.close()

    def _tell_waiters(self) -> None:
        """One place came free, so one caller goes on: of a crowd, all others would only wake to wait again."""
        if self.closed:
            self._free.notify_all()
        else:
            self._free.notify()

    def _report(self, done: Invocation) -> None:
        if done.error_type == "Sandbox.Timedout":
            self.write_log(f"{done.request_id} {done.error}")
        elif done.error_type == "Runtime.ExitError":
            self.write_log(f"RequestId: {done.request_id} Error: {done.error} (pid {done.pid})")
        init = "" if done.init_ms is None else f" Init Duration: {done.init_ms:.2f} ms"
        self.write_log(
            f"REPORT RequestId: {done.request_id} Duration: {done.duration_ms:.2f} ms "
            f"Memory Size: {self.spec.memory_mb} MB Max Memory Used: {done.memory_mb} MB "
            f"Processor: {done.cpu_ms:.2f} ms{init}"
        )

    def kill(self) -> list[int]:
        """SIGKILL every container, busy or idle; their process ids. The next invocation starts a new one."""
        with self._free:
            victims = [*self._idle, *self._busy]
        for container in victims:
            container.kill()
        return [container.pid for container in victims]

    def retire_idle(self, idle_s_max: float = IDLE_S_MAX) -> None:
        """End containers that nobody has used for a while."""
        horizon = time.monotonic() - idle_s_max
        with self._free:
            old = [container for container in self._idle if container.idle_since < horizon]
            self._idle = [container for container in self._idle if container.idle_since >= horizon]
        for container in old:
            container.close()

    @property
    def pids(self) -> list[int]:
        """The process ids of all its containers."""
        with self._free:
            return [container.pid for container in [*self._idle, *self._busy]]

    def close(self) -> None:
        """Refuse new invocations and end every container."""
        with self._free:
            self.closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
            self._free.notify_all()
        for container in busy:
            container.kill()
        for container in idle:
            container.close()
        with self._free:
            self._free.wait_for(lambda: not self._busy and not self._starting, CLOSE_S_MAX)

    def reopen(self) -> None:
        """Take invocations again."""
        self.closed = False
