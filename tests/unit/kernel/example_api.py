"""A small API behind the border, for the tests of the border."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import Field

from kernel.handler.http import Document, api, wired
from kernel.testing import FakeClock

CANARY = "canary-7f3a9c"


@dataclass
class ApiDeps:
    clock: FakeClock = field(default_factory=FakeClock)
    cors_origins: tuple[str, ...] = ("https://console.example",)
    failure: Exception | None = None
    orders: list[str] = field(default_factory=list)


class Order(Document):
    symbol: str = Field(pattern="^[A-Z]+$", max_length=10)
    price: Decimal = Field(gt=0)
    amounts: tuple[int, ...] = ()


Wired = Annotated[ApiDeps, Depends(wired)]


def example_api(deps: ApiDeps, **options: bool) -> FastAPI:
    app = api("example", lambda: deps, body_limit_bytes=2_000, **options)

    @app.post("/v1/example/orders")
    def place(order: Order, deps: Wired) -> dict[str, str]:
        if deps.failure is not None:
            raise deps.failure
        deps.orders.append(order.symbol)
        return {"price": str(order.price)}

    @app.get("/v1/example/orders/{number}")
    def show(number: int, deps: Wired) -> dict[str, int]:
        return {"number": number, "orders": len(deps.orders)}

    return app


GOOD = {"symbol": "BTC", "price": "1.5"}


def fault(response: Any) -> dict[str, Any]:
    """The fault in an answer, after checking that it has the house's shape."""
    body = response.json()

    assert list(body) == ["error"]
    assert list(body["error"]) == ["code", "message", "details", "request_id"]
    assert response.headers["x-request-id"] == body["error"]["request_id"]
    assert response.headers["content-type"] == "application/json"
    error: dict[str, Any] = body["error"]
    return error
