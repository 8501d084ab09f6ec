"""The HTTP side: Jupiter's and DexScreener's paths under their names, and a control room for faults, time, prices."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from infra.local.exchanges import wire
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.exchanges.troubles import Troubles
from infra.local.tokens.market import SOL, LocalToken, tokens
from kernel.solana.addresses import TOKEN_PROGRAM

SOURCES: Final = ("jupiter", "dexscreener")
JUPITER_MOST, DEXSCREENER_MOST = 50, 30
#: A slot of the cluster takes so long.
SLOT_MS: Final = 400
#: Of the capitalisation, so much lies in pools.
LIQUID_SHARE: Final = Decimal("0.05")
Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[["Desk", Request], Any]


class Control(Troubles):
    """What is changed from outside."""

    def __init__(self, seed: int, count: int) -> None:
        super().__init__()
        self.seed, self.tokens = seed, tokens(count)
        self.requests: dict[str, Counter[str]] = {source: Counter() for source in SOURCES}
        #: Factors on tokens' prices, for stories that a seed does not tell; None: nobody has a price.
        self.moved: dict[str, Decimal | None] = {}


class Desk:
    """What a source knows at one moment."""

    def __init__(self, control: Control, source: str, lie_bps: int) -> None:
        self.control, self.now_ms, self._lie_bps = control, control.now_ms(source), lie_bps

    def usd(self, token: LocalToken) -> Decimal | None:
        """The token's price; None where nobody has one."""
        factor = self.control.moved.get(token.mint, Decimal(1))
        if factor is None:
            return None
        return token.usd(self.control.seed, self.now_ms) * factor * (1 + Decimal(self._lie_bps) / 10_000)


def jupiter_prices(desk: Desk, request: Request) -> Any:
    """GET /price/v3: tokens without a price are left out."""
    mints = request.query_params.get("ids", "").split(",")
    if len(mints) > JUPITER_MOST:
        return JSONResponse({"error": "Too many ids requested"}, status_code=400)
    found = [desk.control.tokens[mint] for mint in mints if mint in desk.control.tokens]
    priced = [(token, desk.usd(token)) for token in found]
    return {
        token.mint: {
            "createdAt": "2024-06-05T08:55:25.527Z",
            "liquidity": wire.number(_liquidity(token, usd)),
            "usdPrice": wire.number(usd),
            "blockId": desk.now_ms // SLOT_MS,
            "decimals": token.decimals,
            "priceChange24h": 0.5,
        }
        for token, usd in priced
        if usd is not None
    }


def jupiter_list(desk: Desk, _request: Request) -> Any:
    """GET /tokens/v2/tag?query=verified: all of them, in no order."""
    return [_listed(token, desk.usd(token)) for _, token in sorted(desk.control.tokens.items())]


def dexscreener_pairs(desk: Desk, request: Request) -> Any:
    """GET /tokens/v1/solana/<mints>: two markets of each token, a deep one and a shallow one a little beside it."""
    mints = request.path_params["mints"].split(",")[:DEXSCREENER_MOST]
    found = [desk.control.tokens[mint] for mint in mints if mint in desk.control.tokens]
    priced = [(token, usd) for token in found if (usd := desk.usd(token)) is not None]
    return [_pair(token, usd, dex, depth, bps) for token, usd in priced for dex, depth, bps in _POOLS]


#: A market's name, its share of the liquidity, and how far it is beside the price.
_POOLS: Final = (("raydium", Decimal("0.8"), 0), ("orca", Decimal("0.2"), 8))


def _listed(token: LocalToken, usd: Decimal | None) -> dict[str, Any]:
    priced = {} if usd is None else {"usdPrice": wire.number(usd), "mcap": wire.number(_cap(token, usd))}
    return {
        "id": token.mint,
        "name": token.name,
        "symbol": token.symbol,
        "decimals": token.decimals,
        "tokenProgram": TOKEN_PROGRAM,
        "isVerified": True,
        "organicScore": 90.5,
        "organicScoreLabel": "high",
        "tags": ["verified"],
        **priced,
    }


def _pair(token: LocalToken, usd: Decimal, dex: str, share: Decimal, beside_bps: int) -> dict[str, Any]:
    price = usd * (1 + Decimal(beside_bps) / 10_000)
    return {
        "chainId": "solana",
        "dexId": dex,
        "pairAddress": f"{dex}-{token.symbol}",
        "baseToken": {"address": token.mint, "name": token.name, "symbol": token.symbol},
        "quoteToken": {"address": SOL, "name": "Wrapped SOL", "symbol": "SOL"},
        "priceUsd": f"{price.normalize():f}",
        "liquidity": {"usd": wire.number(_liquidity(token, usd) * share), "base": 1, "quote": 1},
        "volume": {"h24": 1_000_000},
        "priceChange": {"h24": 0.5},
        "pairCreatedAt": 1_717_000_000_000,
    }


def _cap(token: LocalToken, usd: Decimal) -> Decimal:
    return (usd * token.supply).quantize(Decimal("0.01"))


def _liquidity(token: LocalToken, usd: Decimal) -> Decimal:
    return (_cap(token, usd) * LIQUID_SHARE).quantize(Decimal("0.01"))


def build_app(seed: int, count: int) -> Starlette:
    """Both sources and the control room as one application."""
    control = Control(seed, count)
    jupiter = [
        Route("/price/v3", _endpoint("jupiter", "prices", jupiter_prices, control)),
        Route("/tokens/v2/tag", _endpoint("jupiter", "tokens", jupiter_list, control)),
    ]
    dexscreener = [
        Route("/tokens/v1/solana/{mints}", _endpoint("dexscreener", "prices", dexscreener_pairs, control)),
    ]
    return Starlette(
        routes=[
            Mount("/control", routes=_control_routes(control)),
            Mount("/jupiter", routes=jupiter),
            Mount("/dexscreener", routes=dexscreener),
        ]
    )


def _endpoint(source: str, name: str, answer: Answer, control: Control) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        control.requests[source][name] += 1
        fault = control.next_fault(source)
        if fault is not None and (failure := await _failure(fault)) is not None:
            return failure
        lie_bps = fault.lie_bps if fault is not None and fault.kind is FaultKind.LYING else 0
        told = answer(Desk(control, source, lie_bps), request)
        if isinstance(told, Response):
            return told
        body = wire.render(told)
        if fault is not None and fault.kind is FaultKind.MALFORMED:
            body = body[: len(body) // 2]
        return Response(body, media_type="application/json")

    return endpoint


async def _failure(fault: Fault) -> Response | None:
    if fault.kind in (FaultKind.DOWN, FaultKind.REFUSED):
        return Response(b"<html><body>Bad gateway</body></html>", status_code=502, media_type="text/html")
    if fault.kind is FaultKind.RATE_LIMITED:
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        return Response(b"Too Many Requests", status_code=429, headers=headers)
    if fault.kind is FaultKind.SLOW:
        await asyncio.sleep(fault.delay_s)
    return None


def _control_routes(control: Control) -> list[Route]:
    async def put_fault(request: Request) -> Response:
        control.begin(request.path_params["source"], Fault.from_json(await request.json()))
        return JSONResponse({})

    async def delete_faults(_request: Request) -> Response:
        for source in SOURCES:
            control.begin(source, None)
        return JSONResponse({})

    async def put_clock(request: Request) -> Response:
        control.hold((await request.json())["held_at_ms"])
        return JSONResponse({})

    async def put_price(request: Request) -> Response:
        factor = (await request.json())["factor"]
        control.moved[request.path_params["mint"]] = None if factor is None else Decimal(factor)
        return JSONResponse({})

    async def delete_prices(_request: Request) -> Response:
        control.moved.clear()
        return JSONResponse({})

    async def get_requests(_request: Request) -> Response:
        return JSONResponse(control.requests)

    return [
        Route("/faults/{source}", put_fault, methods=["PUT"]),
        Route("/faults", delete_faults, methods=["DELETE"]),
        Route("/clock", put_clock, methods=["PUT"]),
        Route("/prices/{mint}", put_price, methods=["PUT"]),
        Route("/prices", delete_prices, methods=["DELETE"]),
        Route("/requests", get_requests, methods=["GET"]),
    ]
