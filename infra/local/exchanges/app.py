"""The HTTP side of the local venues: each one's paths under its name, and a control room for faults and time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from infra.local.exchanges import wire
from infra.local.exchanges.catalogue import VENUES, desk_at
from infra.local.exchanges.desk import Answer, UnknownPair, Venue
from infra.local.exchanges.doors import Doors
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.exchanges.troubles import Troubles

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
GATEWAY_PAGE = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


class Control(Troubles):
    """What is changed from outside: the faults, the clock, and the count of requests."""

    def __init__(self, seed: int, doors: Doors, *, whole: bool) -> None:
        super().__init__()
        self.seed = seed
        self.whole = whole
        self.doors = doors
        self.requests: dict[str, Counter[str]] = {venue: Counter() for venue in VENUES}

    async def set_fault(self, venue: str, fault: Fault | None) -> None:
        """Begin a fault, or end whatever the venue suffers from; a refusing one shuts its door."""
        self.begin(venue, fault)
        if fault is not None and fault.kind is FaultKind.REFUSED:
            self.doors.shut(venue)
        else:
            await self.doors.open(venue)


def build_app(seed: int, doors: Doors, *, whole: bool = False) -> Starlette:
    """All venues and the control room as one application; with `whole` they trade the whole listing."""
    control = Control(seed, doors, whole=whole)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await doors.open_all()
        yield

    venues = [Mount(f"/{venue.name}", routes=_venue_routes(venue, control)) for venue in VENUES.values()]
    return Starlette(routes=[Mount("/control", routes=_control_routes(control)), *venues], lifespan=lifespan)


def _venue_routes(venue: Venue, control: Control) -> list[Route]:
    return [Route(path, _endpoint(venue, path, answer, control)) for path, answer in venue.paths.items()]


def _endpoint(venue: Venue, path: str, answer: Answer, control: Control) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        control.requests[venue.name][path] += 1
        fault = control.next_fault(venue.name)
        if fault is not None and (failure := await _failure(fault)) is not None:
            return failure
        body = _body(venue, answer, request, control, fault)
        if fault is not None and fault.kind is FaultKind.MALFORMED:
            body = body[: len(body) // 2]
        return Response(body, media_type="application/json")

    return endpoint


async def _failure(fault: Fault) -> Response | None:
    """The answer that a fault gives in place of the venue's own; None when the venue answers after all."""
    if fault.kind is FaultKind.DOWN:
        return Response(GATEWAY_PAGE, status_code=503, media_type="text/html")
    if fault.kind is FaultKind.RATE_LIMITED:
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        return Response(b"Too Many Requests", status_code=429, headers=headers, media_type="text/plain")
    if fault.kind is FaultKind.SLOW:
        await asyncio.sleep(fault.delay_s)
    return None


def _body(venue: Venue, answer: Answer, request: Request, control: Control, fault: Fault | None) -> bytes:
    lie_bps = fault.lie_bps if fault is not None and fault.kind is FaultKind.LYING else 0
    now_ms = control.now_ms(venue.name)
    desk = desk_at(venue.name, seed=control.seed, time_ms=now_ms, lie_bps=lie_bps, whole=control.whole)
    try:
        return wire.render(answer(desk, request.query_params))
    except UnknownPair as unknown:
        return wire.render({"error": f"unknown pair {unknown}"})


def _control_routes(control: Control) -> list[Route]:
    async def put_fault(request: Request) -> Response:
        await control.set_fault(request.path_params["venue"], Fault.from_json(await request.json()))
        return JSONResponse({})

    async def delete_fault(request: Request) -> Response:
        await control.set_fault(request.path_params["venue"], None)
        return JSONResponse({})

    async def delete_faults(_request: Request) -> Response:
        for venue in VENUES:
            await control.set_fault(venue, None)
        return JSONResponse({})

    async def put_clock(request: Request) -> Response:
        control.hold((await request.json())["held_at_ms"])
        return JSONResponse({})

    async def get_requests(_request: Request) -> Response:
        return JSONResponse(control.requests)

    return [
        Route("/faults/{venue}", put_fault, methods=["PUT"]),
        Route("/faults/{venue}", delete_fault, methods=["DELETE"]),
        Route("/faults", delete_faults, methods=["DELETE"]),
        Route("/clock", put_clock, methods=["PUT"]),
        Route("/requests", get_requests, methods=["GET"]),
    ]
