"""Owns WebSocket handlers: API Gateway calls one for each connection made, message received and connection lost."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from kernel import strict_json
from kernel.errors import CounterpartError, Invalid, TooLarge
from kernel.handler.entry import Container, Entry, handler_name, report_failure
from kernel.handler.telemetry import correlated, logger
from kernel.ids import accepted_correlation_id

D = TypeVar("D")
#: What clients say is short; what they are told may be longer.
BODY_BYTES_MAX = 8 * 1024
ID_LONGEST = 64
UNABLE = "Counterpart could not do what was asked."


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketCall:
    """One call: the route ($connect, $disconnect, $default or an action), who calls, and the JSON object they sent."""

    route: str
    connection_id: str
    connected_at: datetime
    source_ip: str
    #: Where to post messages to this connection.
    callback_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """What the message asks for; "" when it does not say."""
        action = self.body.get("action")
        return action if isinstance(action, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketReply:
    """The answer: a status (only $connect's matters: not 200 refuses the connection) and a message to the caller."""

    body: Mapping[str, Any] | None = None
    status: int = 200
    #: Of the handshake's answer: $connect confirms a subprotocol so.
    headers: Mapping[str, str] = field(default_factory=dict)


def websocket(build_deps: Callable[[], D]) -> Callable[[Callable[[SocketCall, D], SocketReply]], Entry[D]]:
    """A handler of a WebSocket route: a failure refuses the connection, or is told in a message of type error."""

    def decorate(function: Callable[[SocketCall, D], SocketReply]) -> Entry[D]:
        def act(event: Mapping[str, Any], _context: Any, container: Container[D]) -> dict[str, Any]:
            context = event["requestContext"]
            asked = accepted_correlation_id(context.get("requestId"))
            with correlated(asked), logger.append_context_keys(connection_id=context["connectionId"]):
                return answer(_reply(function, event, container))

        return Entry(handler_name(function), Container(build_deps), act)

    return decorate


def call_of(event: Mapping[str, Any]) -> SocketCall:
    """The call in an API Gateway WebSocket event. Raises TooLarge; Invalid for a body that is no JSON object."""
    context = event["requestContext"]
    return SocketCall(
        route=context["routeKey"],
        connection_id=context["connectionId"],
        connected_at=datetime.fromtimestamp(int(context.get("connectedAt", 0)) / 1000, UTC),
        source_ip=(context.get("identity") or {}).get("sourceIp", ""),
        callback_url=_callback_url(context.get("domainName", ""), context.get("stage", "")),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        query=dict(event.get("queryStringParameters") or {}),
        body=_object(event.get("body")),
    )


def answer(reply: SocketReply) -> dict[str, Any]:
    """The reply as API Gateway takes it."""
    result: dict[str, Any] = {"statusCode": reply.status}
    if reply.headers:
        result["headers"] = dict(reply.headers)
    if reply.body is not None:
        result["body"] = json.dumps(reply.body)
    return result


def _reply(
    function: Callable[[SocketCall, D], SocketReply], event: Mapping[str, Any], container: Container[D]
) -> SocketReply:
    try:
        return function(call_of(event), container.deps())
    except CounterpartError as known:
        report_failure(known, "told to the caller")
        # Our own faults are told by code alone.
        message = known.message if known.fault != "ourselves" else UNABLE
        details = known.details if known.fault == "caller" else {}
        return SocketReply(status=known.status, body=_error(known.code, message, details, event))
    except Exception as unknown:
        report_failure(unknown, "told to the caller")
        return SocketReply(status=500, body=_error("internal_error", UNABLE, {}, event))


def _error(code: str, message: str, details: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    request_id = event["requestContext"].get("requestId", "")
    error = {"code": code, "message": message, "details": dict(details), "request_id": request_id}
    return {"type": "error", "error": error, **_id_of(event.get("body"))}


def _id_of(text: str | None) -> dict[str, Any]:
    """The client's own id of the message that failed, so that it knows which one did."""
    try:
        id_ = _object(text).get("id")
    except CounterpartError:
        return {}
    return {"id": id_} if isinstance(id_, str | int) and len(str(id_)) <= ID_LONGEST else {}


def _callback_url(domain: str, stage: str) -> str:
    """Where to post; the local gateway, on the loopback, speaks no TLS."""
    scheme = "http" if domain.startswith("127.0.0.1:") else "https"
    return f"{scheme}://{domain}/{stage}"


def _object(text: str | None) -> Mapping[str, Any]:
    if not text:
        return {}
    if len(text.encode("utf-8", errors="replace")) > BODY_BYTES_MAX:
        raise TooLarge(limit_bytes=BODY_BYTES_MAX)
    try:
        body = strict_json.read(text)
    except strict_json.NotStrictJson:
        raise Invalid("A message must be a JSON object.") from None
    if not isinstance(body, dict):
        raise Invalid("A message must be a JSON object.")
    return body
