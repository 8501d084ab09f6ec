"""Owns the border that every HTTP request crosses: ids, the body's size, security headers, origins, the last resort.

Nothing of the request's content is logged: not its body, its query, its headers or its path's parameters.
"""

import time
from collections.abc import Callable
from typing import Any

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kernel.errors import CounterpartError, Invalid, TooLarge
from kernel.handler.entry import report_failure
from kernel.handler.faults import envelope, fault_headers
from kernel.handler.telemetry import correlated, count, logger
from kernel.ids import accepted_correlation_id, new_id

BODY_LIMIT_BYTES = 1024 * 1024
REQUEST_ID = "counterpart.request_id"
CORRELATION_ID = "counterpart.correlation_id"
SECURITY_HEADERS = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-site",
    "cache-control": "no-store",
}
_CORS_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CORS_HEADERS = ("authorization", "content-type", "idempotency-key", "x-api-key", "x-correlation-id")
_CORS_EXPOSED = ("x-request-id", "x-correlation-id", "retry-after")


class Border:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, origins: Callable[[Scope], list[str]], body_limit_bytes: int) -> None:
        self._app = app
        self._origins = origins
        self._body_limit_bytes = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through; whatever goes wrong inside becomes an answer in the house's shape."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        headers = Headers(scope=scope)
        scope[REQUEST_ID] = _request_id(scope)
        scope[CORRELATION_ID] = accepted_correlation_id(headers.get("x-correlation-id"))
        crossing = Crossing(scope, send)
        with correlated(scope[CORRELATION_ID]), logger.append_context_keys(http_request_id=scope[REQUEST_ID]):
            try:
                await self._with_origins(scope, self._guarded(crossing))(scope, receive, crossing.send)
            except Exception as failure:
                await crossing.answer_failure(failure, crossing.send)
            crossing.log()

    def _guarded(self, crossing: "Crossing") -> ASGIApp:
        """The application behind the body's limit; failures are answered here, so that browsers may read them too."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                _refuse_nul(scope)
                body = await _whole_body(Headers(scope=scope), receive, self._body_limit_bytes)
                await self._app(scope, _replayed(body, receive), send)
            except Exception as failure:
                await crossing.answer_failure(failure, send)

        return guarded

    def _with_origins(self, scope: Scope, app: ASGIApp) -> ASGIApp:
        if Headers(scope=scope).get("origin") is None:
            return app
        return CORSMiddleware(
            app,
            allow_origins=self._origins(scope),
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_HEADERS,
            expose_headers=_CORS_EXPOSED,
            max_age=600,
        )


class Crossing:
    """One request's way out: headers added, status and time remembered for the log."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._started_s = time.perf_counter()
        self._status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, with the house's headers in front."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers["x-request-id"] = self._scope[REQUEST_ID]
            headers["x-correlation-id"] = self._scope[CORRELATION_ID]
        await self._send(message)

    async def answer_failure(self, failure: Exception, send: Send) -> None:
        """The last resort, for what no exception handler took."""
        if not isinstance(failure, CounterpartError) or failure.fault != "caller":
            report_failure(failure, "told to the caller")
        if self._status is None:
            status = failure.status if isinstance(failure, CounterpartError) else 500
            body = envelope(failure, self._scope[REQUEST_ID])
            answer = JSONResponse(body, status_code=status, headers=fault_headers(failure))
            await answer(self._scope, _nothing, send)

    def log(self) -> None:
        """One line a request, by the route's template."""
        route: Any = self._scope.get("route")
        duration_ms = round((time.perf_counter() - self._started_s) * 1000, 1)
        status = self._status or 500
        count(f"http_{status // 100}xx")
        logger.info(
            "Answered.",
            extra={
                "http_method": self._scope["method"],
                "http_route": getattr(route, "path", "unknown"),
                "http_status": status,
                "duration_ms": duration_ms,
            },
        )


async def _nothing() -> Message:
    """An answer that is written at once reads no more of the request."""
    return {"type": "http.disconnect"}


def _request_id(scope: Scope) -> str:
    """API Gateway's id, so that its access log and ours meet; else a fresh one."""
    context = scope.get("aws.event", {}).get("requestContext") or {}
    return str(context.get("requestId") or new_id())


def _refuse_nul(scope: Scope) -> None:
    """Raises Invalid for an address with NUL, which no column stores; a body's is refused where it is read."""
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        raise Invalid("An address contains no NUL.")


async def _whole_body(headers: Headers, receive: Receive, limit_bytes: int) -> bytes:
    """The body. Raises TooLarge as soon as it must be too large."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit_bytes:
        raise TooLarge(limit_bytes=limit_bytes)

    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > limit_bytes:
            raise TooLarge(limit_bytes=limit_bytes)
        if not message.get("more_body", False):
            return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once more, then whatever comes."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return parts.pop() if parts else await receive()

    return replay
