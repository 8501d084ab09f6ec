"""API Gateway's WebSocket API: $connect, $disconnect, action routes, and the @connections API to push to clients."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.runner.bundle import WebSocketTrigger
from infra.local.runner.containers import Invocation
from infra.local.runner.events import (
    ApiSite,
    Connection,
    connect_event,
    disconnect_event,
    message_event,
)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
GONE: Answer = (410, [(b"x-amzn-errortype", b"GoneException")], b'{"message":"Gone"}')
CLOSED_BY_CLIENT = 1005


@dataclass
class _Open:
    """A connection that is open, and how to reach its client."""

    connection: Connection
    send: Send
    last_active_at: datetime
    closed: asyncio.Event


class SocketApi:
    """The WebSocket routes of one stack; ``selection`` is the message field that names the route."""

    def __init__(
        self,
        routes: Mapping[str, tuple[WebSocketTrigger, str]],
        site: ApiSite,
        invoke: Callable[[str, dict[str, Any], str], Invocation],
        executor: Executor,
        selection: str = "action",
    ) -> None:
        self.routes, self.site, self.selection = routes, site, selection
        self._invoke, self._executor = invoke, executor
        self._open: dict[str, _Open] = {}

    @property
    def connection_ids(self) -> list[str]:
        """The connections that are open now."""
        return list(self._open)

    async def serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One client from handshake to close."""
        await receive()
        connection = _connection(scope)
        done = await self._call("$connect", connect_event(self.site, connection, _request_id()))
        refusal = _refusal(done) if self.routes else 403
        if refusal:
            await send({"type": "websocket.http.response.start", "status": refusal, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        opened = _Open(connection, send, datetime.now(UTC), asyncio.Event())
        self._open[connection.connection_id] = opened
        await send({"type": "websocket.accept", "subprotocol": _subprotocol(done)})
        code, reason = await self._serve_messages(opened, receive)
        self._open.pop(connection.connection_id, None)
        event = disconnect_event(
            self.site, connection, at=datetime.now(UTC), request_id=_request_id(), code=code, reason=reason
        )
        await self._call("$disconnect", event)

    async def _serve_messages(self, opened: _Open, receive: Receive) -> tuple[int, str]:
        """Until the client, or the @connections API, closes; the close code and reason."""
        closed = asyncio.ensure_future(opened.closed.wait())
        try:
            while True:
                coming = asyncio.ensure_future(receive())
                await asyncio.wait({coming, closed}, return_when=asyncio.FIRST_COMPLETED)
                if closed.done():
                    coming.cancel()
                    await opened.send({"type": "websocket.close", "code": 1000})
                    return 1000, "Connection Closed Normally"
                message = coming.result()
                if message["type"] == "websocket.disconnect":
                    return int(message.get("code") or CLOSED_BY_CLIENT), str(message.get("reason") or "")
                await self._on_message(opened, message)
        finally:
            closed.cancel()

    async def _on_message(self, opened: _Open, message: Mapping[str, Any]) -> None:
        opened.last_active_at = datetime.now(UTC)
        text = message.get("text")
        body = text if text is not None else base64.b64encode(message["bytes"]).decode()
        request_id = _request_id()
        route = self._route(body)
        if route is None:
            await self._send(opened, _error("Forbidden", opened.connection.connection_id, request_id))
            return
        event = message_event(self.site, opened.connection, route, body, at=datetime.now(UTC), request_id=request_id)
        event["isBase64Encoded"] = text is None
        done = await self._call(route, event)
        if done is None or not done.ok:
            await self._send(opened, _error("Internal server error", opened.connection.connection_id, request_id))
        elif self.routes[route][0].answers and isinstance(done.result, Mapping) and done.result.get("body"):
            await self._send(opened, str(done.result["body"]))

    def _route(self, body: str) -> str | None:
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        action = parsed.get(self.selection) if isinstance(parsed, dict) else None
        if isinstance(action, str) and action in self.routes and not action.startswith("$"):
            return action
        return "$default" if "$default" in self.routes else None

    async def _call(self, route: str, event: dict[str, Any]) -> Invocation | None:
        if route not in self.routes:
            return None
        function = self.routes[route][1]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._invoke, function, event, str(uuid.uuid4()))

    async def _send(self, opened: _Open, text: str) -> None:
        try:
            await opened.send({"type": "websocket.send", "text": text})
        except Exception:  # the client closed meanwhile, which its own task notices
            opened.closed.set()

    async def post_to_connection(self, method: str, connection_id: str, body: bytes) -> Answer:
        """The @connections API: POST pushes, GET describes, DELETE closes; 410 for a connection that is gone."""
        opened = self._open.get(connection_id)
        if opened is None or opened.closed.is_set():
            return GONE
        if method == "POST":
            await self._send(opened, body.decode("utf-8", errors="replace"))
            return 200, [], b""
        if method == "DELETE":
            opened.closed.set()
            return 204, [], b""
        identity = {"sourceIp": opened.connection.source_ip, "userAgent": opened.connection.user_agent}
        described = {
            "connectedAt": opened.connection.connected_at.isoformat(),
            "identity": identity,
            "lastActiveAt": opened.last_active_at.isoformat(),
        }
        return 200, [(b"content-type", b"application/json")], json.dumps(described).encode()


def _connection(scope: Mapping[str, Any]) -> Connection:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return Connection(
        connection_id=base64.urlsafe_b64encode(secrets.token_bytes(10)).decode(),
        connected_at=datetime.now(UTC),
        source_ip=(scope.get("client") or ("127.0.0.1", 0))[0],
        user_agent=dict(headers).get("user-agent", ""),
        headers=headers,
        query=scope["query_string"].decode("latin-1"),
    )


def _refusal(done: Invocation | None) -> int:
    """The status that refuses the handshake; 0 accepts it. No $connect route accepts everybody."""
    if done is None:
        return 0
    if not done.ok:
        return 500
    status = int(done.result.get("statusCode", 200)) if isinstance(done.result, Mapping) else 200
    return 0 if 200 <= status < 300 else status


def _subprotocol(done: Invocation | None) -> str | None:
    """The subprotocol that $connect confirms by a header of its answer."""
    result = done.result if done is not None and isinstance(done.result, Mapping) else {}
    headers = {str(name).lower(): str(value) for name, value in (result.get("headers") or {}).items()}
    return headers.get("sec-websocket-protocol")


def _error(message: str, connection_id: str, request_id: str) -> str:
    return json.dumps({"message": message, "connectionId": connection_id, "requestId": request_id})


def _request_id() -> str:
    return base64.b64encode(secrets.token_bytes(11)).decode()
