"""Containers: forked operating-system processes that run one invocation at a time and can be killed at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.local.children import Children
from infra.local.runner import forkserver, wire
from infra.local.runner.runtime import ContainerSpec

# Vendors that most handlers import; a fork then has them for nothing. Names missing on a machine are skipped.
WARM_FIRST = (
    "boto3",
    "botocore.client",
    "psycopg",
    "numpy",
    "pydantic",
    "pydantic_settings",
    "cryptography.hazmat.primitives.ciphers.aead",
    "aws_lambda_powertools",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parser.models",
    "upstash_redis",
)
WARM_LATER = ("sha3", "coincurve", "eth_abi", "eth_account", "fastapi", "mangum", "ccxt.async_support")
INIT_S_MAX = 30.0
DEATH_NOTICE_S = 1.0


class ForkServerDied(Exception):
    """The fork server is gone, so no container can start. Its last words are in the runner's log."""


class ForkServer:
    """The runner's side of the warmed fork server, a child of the local cloud named ``containers``."""

    def __init__(
        self, children: Children, *, first: tuple[str, ...] = WARM_FIRST, later: tuple[str, ...] = WARM_LATER
    ) -> None:
        self._conn, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._children = children
        self._child = children.start_python(
            "containers",
            forkserver.__name__,
            str(theirs.fileno()),
            ",".join(first),
            ",".join(later),
            # Threads do not survive a fork; one thread also is what a small Lambda has.
            env={"OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._lock, self._tickets = threading.Lock(), 0
        self._pids: dict[int, _Pid] = {}
        self._exits: dict[int, Callable[[int], None]] = {}
        self._ready, self._warm = threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read, name="fork-server", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The fork server's process id."""
        return self._child.pid

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the first modules are imported: from then on it forks, if not always at once."""
        self._wait_for(self._ready, timeout_s)

    def wait_warm(self, timeout_s: float = 60.0) -> None:
        """Wait until the later modules are imported too: from then on a fork takes milliseconds."""
        self._wait_for(self._warm, timeout_s)

    def _wait_for(self, event: threading.Event, timeout_s: float) -> None:
        if not event.wait(timeout_s) or self._child.returncode is not None:
            raise ForkServerDied

    def fork(self, spec: ContainerSpec, log_fd: int, on_exit: Callable[[int], None]) -> tuple[socket.socket, int]:
        """Start one container; its socket and process id. ``on_exit`` is called once with the exit code."""
        self.wait_ready()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        waiting = _Pid(on_exit)
        with self._lock:
            self._tickets += 1
            self._pids[self._tickets] = waiting
            packet = json.dumps({"ticket": self._tickets, "spec": asdict(spec)}).encode()
            try:
                socket.send_fds(self._conn, [packet], [theirs.fileno(), log_fd])
            except OSError as error:
                raise ForkServerDied from error
        theirs.close()
        if not waiting.known.wait(INIT_S_MAX) or waiting.pid == 0:
            ours.close()
            raise ForkServerDied
        return ours, waiting.pid

    def _read(self) -> None:
        while True:
            try:
                packet = self._conn.recv(forkserver.PACKET_BYTES_MAX)
            except OSError:
                packet = b""
            if not packet:
                self._lost()
                return
            self._note(json.loads(packet))

    def _note(self, message: Mapping[str, int]) -> None:
        if "ready" in message:
            self._ready.set()
        elif "warm" in message:
            self._warm.set()
        elif "forked" in message:
            with self._lock:
                waiting = self._pids.pop(message["forked"])
                self._exits[message["pid"]] = waiting.on_exit
            waiting.pid = message["pid"]
            waiting.known.set()
        else:
            with self._lock:
                on_exit = self._exits.pop(message["exited"], None)
            if on_exit:
                on_exit(message["status"])

    def _lost(self) -> None:
        self._ready.set()
        self._warm.set()
        with self._lock:
            waiting, self._pids = list(self._pids.values()), {}
            exits, self._exits = list(self._exits.values()), {}
        for entry in waiting:
            entry.known.set()
        for on_exit in exits:
            on_exit(-signal.SIGKILL)

    def close(self) -> None:
        """End the fork server and every container that still lives."""
        self._conn.shutdown(socket.SHUT_RDWR)
        self._children.forget(self._child)
        self._reader.join(DEATH_NOTICE_S)
        self._conn.close()


@dataclass
class _Pid:
    on_exit: Callable[[int], None]
    pid: int = 0
    known: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The outcome of one call: the handler's result, or what went wrong in Lambda's words."""

    request_id: str
    function: str
    result: Any = None
    error_type: str | None = None
    error: str | None = None
    stack_trace: tuple[str, ...] = ()
    duration_ms: float
    init_ms: float | None = None
    memory_mb: int = 0
    cpu_ms: float = 0.0
    pid: int = 0

    @property
    def ok(self) -> bool:
        """True when the handler returned."""
        return self.error_type is None


class Container:
    """One started container. ``invoke`` may be called by one thread at a time."""

    def __init__(self, server: ForkServer, spec: ContainerSpec, log_fd: int) -> None:
        self.spec = spec
        self._exited, self.exit_code, self._killed = threading.Event(), 0, False
        self._conn, self.pid = server.fork(spec, log_fd, self._on_exit)
        try:
            # A descriptor, not a number: a kill can never hit a stranger that got the same pid later.
            self._pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._pidfd = -1
        self._lock = threading.Lock()
        self.init_ms: float | None = None
        self.idle_since = time.monotonic()

    def _on_exit(self, code: int) -> None:
        self.exit_code = code
        self._exited.set()

    @property
    def alive(self) -> bool:
        """False from the moment it is killed or its death is known."""
        return not self._killed and not self._exited.is_set()

    def kill(self) -> None:
        """SIGKILL: nothing inside gets to know."""
        with self._lock:
            self._killed = True
            if self._pidfd >= 0:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Kill it and give back the descriptors."""
        self.kill()
        self._exited.wait(DEATH_NOTICE_S)
        with self._lock:
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1
        self._conn.close()

    def invoke(self, event: Any, request_id: str, timeout_s: float) -> Invocation:
        """Call the handler; a container that overruns ``timeout_s`` is killed, as Lambda does."""
        first_init_ms = None
        started = time.monotonic()
        try:
            if self.init_ms is None:
                self._conn.settimeout(INIT_S_MAX)
                self.init_ms = first_init_ms = float(wire.receive(self._conn)["init_ms"])
            started = time.monotonic()
            wire.send(self._conn, {"event": event, "request_id": request_id, "deadline_s": started + timeout_s})
            self._conn.settimeout(timeout_s)
            reply = wire.receive(self._conn)
        except TimeoutError:
            self.kill()
            limit_s = timeout_s if self.init_ms is not None else INIT_S_MAX
            reply = _error("Sandbox.Timedout", f"Task timed out after {limit_s:.2f} seconds")
        except wire.Closed:
            reply = _error("Runtime.ExitError", f"Runtime exited with error: {self._exit_words()}")
            # Whoever closed its socket without dying can never be called again.
            self.kill()
        self.idle_since = time.monotonic()
        error = reply.get("error") or {}
        return Invocation(
            request_id=request_id,
            function=self.spec.function_name,
            result=reply.get("result"),
            error_type=error.get("errorType"),
            error=error.get("errorMessage"),
            stack_trace=tuple(error.get("stackTrace", ())),
            duration_ms=(self.idle_since - started) * 1000,
            init_ms=first_init_ms,
            memory_mb=reply.get("memory_mb", 0),
            cpu_ms=reply.get("cpu_ms", 0.0),
            pid=self.pid,
        )

    def _exit_words(self) -> str:
        """``signal: killed`` or ``exit status 1``, as Lambda writes it."""
        self._exited.wait(DEATH_NOTICE_S)
        if self.exit_code < 0:
            return f"signal: {signal.strsignal(-self.exit_code) or -self.exit_code}".lower()
        return f"exit status {self.exit_code}"


def _error(error_type: str, message: str) -> dict[str, Any]:
    return {"error": {"errorType": error_type, "errorMessage": message}}


def new_request_id() -> str:
    """A request id of the shape that Lambda gives."""
    return str(uuid.uuid4())
