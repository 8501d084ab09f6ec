"""API Gateway's front: one loopback port that serves a stack's HTTP API, WebSocket API and @connections API."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import uvicorn

from infra.local.runner.bundle import HttpTrigger
from infra.local.runner.containers import Invocation
from infra.local.runner.events import ApiSite, HttpCall, http_event
from infra.local.runner.sockets import SocketApi

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Invoke = Callable[[str, dict[str, Any], str], Invocation]

BODY_BYTES_MAX = 6 * 1024 * 1024  # Lambda's limit for a synchronous payload
CONNECTIONS_PATH = re.compile(r"^(?:/[^/@]+)?/@connections/(?P<id>.+)$")
HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te"})
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP route, compiled: literal segments win over parameters, parameters over a greedy ``{proxy+}``."""

    trigger: HttpTrigger
    function: str
    pattern: re.Pattern[str]
    rank: tuple[int, ...]

    @classmethod
    def compile(cls, trigger: HttpTrigger, function: str) -> Route:
        """A route from its declaration."""
        if trigger.path == "*":
            return cls(trigger, function, re.compile(".*", re.DOTALL), (9,))
        parts, rank = [], []
        for segment in trigger.path.strip("/").split("/"):
            name = segment[1:-1] if segment.startswith("{") else ""
            kind = 2 if name.endswith("+") else 1 if name else 0
            pattern = (re.escape(segment), f"(?P<{name}>[^/]+)", f"(?P<{name.rstrip('+')}>.+)")[kind]
            parts.append(pattern)
            rank.append(kind)
        return cls(trigger, function, re.compile("/" + "/".join(parts)), tuple(rank))

    def matches(self, method: str, path: str) -> dict[str, str] | None:
        """The path parameters when this route serves the request."""
        if self.trigger.method not in {method, "*"}:
            return None
        match = self.pattern.fullmatch(path)
        return None if match is None else {name: unquote(value) for name, value in match.groupdict().items()}


class HttpApi:
    """The ASGI application of one stack."""

    def __init__(
        self, routes: list[Route], sockets: SocketApi, site: ApiSite, invoke: Invoke, executor: Executor
    ) -> None:
        self.routes = sorted(routes, key=lambda route: (route.rank, route.trigger.method == "*"))
        self.sockets, self.site, self.invoke, self.executor = sockets, site, invoke, executor
        self.running = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, HTTP or WebSocket."""
        if scope["type"] == "websocket":
            await self.sockets.serve(scope, receive, send)
        elif scope["type"] == "http":
            status, headers, body = await self._answer(scope, receive)
            headers = [*headers, (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if not self.running.is_set():
            return _message(503, "Service Unavailable")
        body = await _read_body(receive)
        if body is None:
            return _message(413, "Request Entity Too Large")
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        if match := CONNECTIONS_PATH.match(path):
            return await self.sockets.post_to_connection(method, unquote(match["id"]), body)
        for route in self.routes:
            parameters = route.matches(method, path)
            if parameters is not None:
                return await self._call(route, scope, body, parameters)
        return _message(404, "Not Found")

    async def _call(self, route: Route, scope: Scope, body: bytes, parameters: Mapping[str, str]) -> Answer:
        call = HttpCall(
            method=scope["method"],
            path=unquote(scope["raw_path"].decode("latin-1")),
            query=scope["query_string"].decode("latin-1"),
            headers=self._headers(scope),
            body=body,
            source_ip=_client_ip(scope),
            request_id=uuid.uuid4().hex[:15] + "=",
            at=datetime.now(UTC),
        )
        event = http_event(self.site, call, route.trigger.route_key, parameters)
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self.executor, self.invoke, route.function, event, str(uuid.uuid4()))
        if not done.ok:
            timed_out = done.error_type == "Sandbox.Timedout"
            return _message(503, "Service Unavailable") if timed_out else _message(500, "Internal Server Error")
        return answer_of(done.result)

    def _headers(self, scope: Scope) -> list[tuple[str, str]]:
        """The client's headers less those of the one hop, and those that API Gateway adds."""
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        added = {
            "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
            "x-forwarded-for": _client_ip(scope),
            "x-forwarded-port": self.site.domain.rpartition(":")[2],
            "x-forwarded-proto": "http",
        }
        return [pair for pair in given if pair[0] not in HOP_HEADERS] + list(added.items())


Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


def _client_ip(scope: Scope) -> str:
    return str((scope.get("client") or ("127.0.0.1", 0))[0])


def answer_of(result: Any) -> Answer:
    """A handler's result as an HTTP answer by the rules of payload format 2.0.

    Without ``statusCode`` the result itself is the JSON body of a 200; with it, body, headers and cookies are taken.
    """
    if not isinstance(result, Mapping) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result)
        return 200, [(b"content-type", b"application/json")], body.encode()
    try:
        body = result.get("body") or ""
        content = base64.b64decode(body) if result.get("isBase64Encoded") else _as_text(body).encode()
        headers = {str(name).lower(): str(value) for name, value in (result.get("headers") or {}).items()}
        headers.setdefault("content-type", "text/plain;charset=UTF-8")
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        pairs += [(b"set-cookie", str(cookie).encode("latin-1")) for cookie in result.get("cookies") or ()]
        return int(result["statusCode"]), [pair for pair in pairs if pair[0] != b"content-length"], content
    except (TypeError, ValueError, AttributeError):
        return _message(500, "Internal Server Error")


def _as_text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def _message(status: int, text: str) -> Answer:
    return status, [(b"content-type", b"application/json")], json.dumps({"message": text}).encode()


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body"):
            return bytes(parts)


class GatewayLoop:
    """The one asyncio thread that serves every stack's port."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="gateway", daemon=True)
        self._thread.start()

    def serve(self, application: HttpApi, listener: socket.socket) -> Callable[[], None]:
        """Serve ``application`` on an open socket; the function that stops it."""
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=128 * 1024,  # API Gateway's limit for a message
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        served = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), self.loop)

        def stop() -> None:
            server.should_exit = True
            # A client that will not leave must not keep the rest from being stopped.
            with contextlib.suppress(TimeoutError):
                served.result(STOP_S)

        return stop

    def close(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_S)
        self.loop.close()


def listen(port: int = 0) -> socket.socket:
    """A listening loopback socket; 0 lets the system choose a free port."""
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    # Connections inherit it. asyncio would set it only on sockets that name their protocol, which this one does not,
    # and an answer in two writes would then wait 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
