"""Owns HTTP handlers: a FastAPI application per slice file, behind one border that every request crosses.

    app = api("oracle", build_deps)
    Wired = Annotated[Deps, Depends(wired)]

    @app.get("/v1/oracle/rounds/{voting_round}")
    def http_round(voting_round: int, deps: Wired) -> Round: ...

    handler = lambda_handler(app)

Tests give their own dependencies by `override_deps(app, deps)`, or call `handler.bind(deps)(event, context)`.
"""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from kernel import strict_json
from kernel.errors import (
    CounterpartError,
    DeadlineExceeded,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Rejected,
    TooLarge,
    Unauthorized,
)
from kernel.handler.border import BODY_LIMIT_BYTES, Border
from kernel.handler.entry import Container, Entry, handler_name, report_failure
from kernel.handler.faults import ErrorEnvelope, envelope, fault_headers

#: Every status that a fault may have; each is in every operation's document, so none is ever a surprise.
FAULTS = {
    400: "The request does not have the documented form.",
    401: "No valid credential came with the request.",
    403: "The credential does not allow this.",
    404: "There is no such thing here.",
    405: "The path does not know this method.",
    409: "The state of the thing does not allow this now.",
    413: "The body is larger than this path takes.",
    422: "The request has the documented form, but nothing in it can be done.",
    429: "Too many requests in this minute.",
    500: "Counterpart is at fault.",
    503: "A dependency is away for the moment; Retry-After says when to try again.",
}
#: Behind an even number of backslashes, so that it is no text about NUL.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_MOST_FIELDS = 20
_LONGEST_FIELD = 200
_BY_STATUS: dict[int, type[CounterpartError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
}
CONTAINER = "counterpart.container"
_REFERENCE = "#/components/schemas/{model}"
#: By reference: a route that is given the model builds a validator of it for each status, a tenth of its cold start.
_FAULT = {"application/json": {"schema": {"$ref": _REFERENCE.format(model=ErrorEnvelope.__name__)}}}


class Document(BaseModel):
    """A request or response body: frozen, and unknown fields are refused rather than ignored.

    `View.model_validate(thing)` shows of a thing whatever the view has fields for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Api(FastAPI):
    """An application whose document has the shape of faults, which its routes only refer to."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        envelope_schema = ErrorEnvelope.model_json_schema(ref_template=_REFERENCE)
        schemas = {**envelope_schema.pop("$defs"), ErrorEnvelope.__name__: envelope_schema}
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
        return document


def api(
    service: str, build_deps: Callable[[], Any], *, body_limit_bytes: int = BODY_LIMIT_BYTES, in_threads: bool = True
) -> FastAPI:
    """An application whose every answer, faults included, has the house's shape and is in its document.

    in_threads: whether routes that are no coroutines work in threads, as FastAPI has it. A container serves one request
    at a time, so that threads only cost: of a short read a third of its processor time. A route that runs a loop of its
    own needs one.
    """
    app = Api(
        title=f"Counterpart {service}",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses={status: {"description": text, "content": _FAULT} for status, text in FAULTS.items()},
    )
    app.router.route_class = StrictRoute if in_threads else ThreadlessRoute
    app.state.container = Container(build_deps)
    app.add_exception_handler(CounterpartError, _answer_known)
    app.add_exception_handler(RequestValidationError, _answer_unfit)
    app.add_exception_handler(HTTPException, _answer_refused)
    app.add_middleware(Border, origins=_origins, body_limit_bytes=body_limit_bytes)
    return app


async def wired(request: Request) -> Any:
    """The dependencies of this container, for `Depends`. Raises what building or checking them raises."""
    return container_of(request.scope).deps()


def override_deps(app: FastAPI, deps: Any) -> None:
    """Let `app` use these dependencies, unchecked: for tests that call it as an ASGI application."""
    app.state.container.replace(deps)


def container_of(scope: Scope) -> Container[Any]:
    """The container bound to this request, else the application's own."""
    container: Container[Any] = scope.get(CONTAINER) or scope["app"].state.container
    return container


def lambda_handler(app: FastAPI) -> Entry[Any]:
    """The Lambda entry point of `app`, named after the module of its first route."""
    from mangum import Mangum

    routes = [route for route in app.routes if isinstance(route, APIRoute)]

    def act(event: Mapping[str, Any], context: Any, container: Container[Any]) -> dict[str, Any]:
        async def bound(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, CONTAINER: container}, receive, send)

        runner = asyncio.Runner()
        asyncio.set_event_loop(runner.get_loop())
        try:
            answer: dict[str, Any] = Mangum(bound, lifespan="off")(dict(event), context)
            runner.close()
        except DeadlineExceeded as late:  # the alarm may ring between two steps of the loop
            report_failure(late, "answered by the border")
            # The route is still at work in its thread, for which closing would wait; the answer must not.
            threading.Thread(target=runner.close, daemon=True).start()
            return _bare_answer(late, event)
        finally:
            asyncio.set_event_loop(None)
        return answer

    return Entry(handler_name(routes[0].endpoint), app.state.container, act)


class StrictRequest(Request):
    """A request whose JSON is strict JSON without NUL, which no column stores."""

    async def json(self) -> Any:
        """The body. Raises JSONDecodeError, which becomes 400 invalid_request."""
        body = await self.body()
        try:
            value = strict_json.read(body)
        except strict_json.NotStrictJson as unfit:
            raise json.JSONDecodeError("not strict JSON", "", 0) from unfit
        # First by its own letters: the pattern takes a millisecond for every 20 KB, and finds almost nothing.
        if rb"\u0000" in body and _ESCAPED_NUL.search(body):
            raise json.JSONDecodeError("a text with NUL", "", 0)
        return value


class StrictRoute(APIRoute):
    """A route that reads strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        answer = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await answer(StrictRequest(request.scope, request.receive))

        return strict


class ThreadlessRoute(StrictRoute):
    """The same, and its endpoint works where it is called."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        @wraps(endpoint)
        async def called(*arguments: Any, **named: Any) -> Any:
            return endpoint(*arguments, **named)

        super().__init__(path, called, **options)


def _origins(scope: Scope) -> list[str]:
    """The browser origins that the container's settings allow; none where it has no say."""
    return list(getattr(container_of(scope).deps(), "cors_origins", ()))


def _answer_known(request: Request, error: Exception) -> Response:
    if not isinstance(error, Rejected):
        report_failure(error, "told to the caller")
    return JSONResponse(
        envelope(error, request.scope["counterpart.request_id"]),
        status_code=error.status if isinstance(error, CounterpartError) else 500,
        headers=fault_headers(error),
    )


def _answer_unfit(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    fields = [
        {"field": ".".join(str(part) for part in problem["loc"])[:_LONGEST_FIELD], "problem": str(problem["msg"])}
        for problem in problems[:_MOST_FIELDS]
    ]
    return _answer_known(request, Invalid(fields=fields))


def _answer_refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    headers = dict((error.headers if isinstance(error, HTTPException) else None) or {})
    if status == MethodNotAllowed.status:
        headers["Allow"] = ", ".join(_methods(request))
    answer = _answer_known(request, _BY_STATUS.get(status, Invalid)())
    answer.headers.update(headers)
    return answer


def _methods(request: Request) -> list[str]:
    """Every method that the path knows: it may have a route for each, of which the router names the first only.

    A path that is named word by word is not what stands for a parameter's value in another.
    """
    path = request.scope["path"]
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    here = [route for route in routes if route.path_regex.match(path)]
    named = [route for route in here if route.path_format == path]
    return sorted({method for route in named or here for method in route.methods or ()})


def _bare_answer(error: CounterpartError, event: Mapping[str, Any]) -> dict[str, Any]:
    request_id = str((event.get("requestContext") or {}).get("requestId", ""))
    return {
        "statusCode": error.status,
        "headers": {"content-type": "application/json", "x-request-id": request_id, **fault_headers(error)},
        "body": json.dumps(envelope(error, request_id)),
        "isBase64Encoded": False,
    }
