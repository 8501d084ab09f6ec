"""The border of every HTTP API: each fault in the house's shape, nothing leaked, the document complete."""

import json
from collections.abc import AsyncIterator

import pytest
from fastapi import HTTPException

from kernel.errors import Conflict, DatabaseUnavailable, KeyUnavailable, PendingMigration, RateLimited
from kernel.handler.border import SECURITY_HEADERS
from kernel.handler.http import override_deps
from kernel.ids import correlation_id
from kernel.testing.asgi import AsgiClient
from tests.unit.kernel.example_api import CANARY, GOOD, ApiDeps, example_api, fault

pytestmark = pytest.mark.unit


@pytest.fixture
def deps() -> ApiDeps:
    return ApiDeps()


@pytest.fixture
def client(deps: ApiDeps) -> AsgiClient:
    return AsgiClient(example_api(deps))


def test_a_good_request_is_answered_with_ids_and_security_headers(client: AsgiClient) -> None:
    """Ids to find it again, and headers that keep browsers careful."""
    response = client.post("/v1/example/orders", json=GOOD)

    assert (response.status_code, response.json()) == (200, {"price": "1.5"})
    assert response.headers["x-request-id"]
    assert SECURITY_HEADERS.items() <= dict(response.headers).items()


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        (b"", "body", "Field required"),
        (b"{", "body.0", "JSON decode error"),
        (b"nonsense", "body.0", "JSON decode error"),
        (b"\xff\xfe", "body.0", "JSON decode error"),
        (b'{"symbol": "BTC", "price": NaN}', "body.0", "JSON decode error"),
        (b'{"symbol": "BTC", "price": Infinity}', "body.0", "JSON decode error"),
        (b'{"symbol": "BTC", "price": -Infinity}', "body.0", "JSON decode error"),
        (b'{"symbol": "BTC", "price": 1e999}', "body.0", "JSON decode error"),
        (b'{"symbol": "\\ud800", "price": 1}', "body.0", "JSON decode error"),
        (b"[" * 1_990, "body.", "JSON decode error"),
        (b"[]", "body", None),
        (b"null", "body", None),
        (b'"text"', "body", None),
        (b'{"price": "1"}', "body.symbol", "Field required"),
        (b'{"symbol": 7, "price": "1"}', "body.symbol", None),
        (b'{"symbol": "btc", "price": "1"}', "body.symbol", None),
        (b'{"symbol": "BTC", "price": "-1"}', "body.price", None),
        (b'{"symbol": "BTC", "price": "0"}', "body.price", None),
        (b'{"symbol": "BTC", "price": "NaN"}', "body.price", None),
        (b'{"symbol": "BTC", "price": "x"}', "body.price", None),
        (b'{"symbol": "BTC", "price": "1", "extra": 1}', "body.extra", None),
        (b'{"symbol": "BTC", "price": "1", "amounts": [1, "x"]}', "body.amounts.1", None),
        (b'{"symbol": "BTC", "price": "1", "amounts": [1.5]}', "body.amounts.0", None),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_malformed_bodies_are_refused_by_field(
    client: AsgiClient, deps: ApiDeps, body: bytes, field: str, problem: str | None
) -> None:
    """400 invalid_request that names the field, and nothing is stored."""
    response = client.post("/v1/example/orders", content=body, headers={"content-type": "application/json"})
    error = fault(response)

    assert (response.status_code, error["code"]) == (400, "invalid_request")
    assert any(item["field"].startswith(field) for item in error["details"]["fields"])
    assert problem is None or problem in [item["problem"] for item in error["details"]["fields"]]
    assert deps.orders == []


def test_a_body_that_is_not_json_by_its_type_is_refused(client: AsgiClient) -> None:
    """Content counts only under its own content type."""
    response = client.post("/v1/example/orders", content=json.dumps(GOOD), headers={"content-type": "text/plain"})

    assert (response.status_code, fault(response)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("number", ["x", "1.5", "%00", "9" * 5_000], ids=["word", "fraction", "nul", "huge"])
def test_a_path_of_the_wrong_type_is_refused(client: AsgiClient, number: str) -> None:
    """Path parameters are checked like bodies."""
    response = client.get(f"/v1/example/orders/{number}")

    assert (response.status_code, fault(response)["code"]) == (400, "invalid_request")


def test_an_oversized_body_is_refused(client: AsgiClient, deps: ApiDeps) -> None:
    """413 body_too_large with the limit, whether the length was declared or not."""

    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 500

    for content in (b" " * 2_001, undeclared()):
        response = client.post("/v1/example/orders", content=content, headers={"content-type": "application/json"})
        error = fault(response)

        assert (
            response.status_code,
            error["code"],
            error["details"],
        ) == (413, "body_too_large", {"limit_bytes": 2_000})
    assert deps.orders == []


def test_a_body_at_the_limit_is_read(client: AsgiClient) -> None:
    """The limit itself is allowed."""
    content = json.dumps(GOOD).encode().ljust(2_000)
    response = client.post("/v1/example/orders", content=content, headers={"content-type": "application/json"})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1/example", "/v1/example/orders/", "/v1/example/orders/1/", "/docs", "/openapi.json"]
)
def test_an_unknown_path_is_404_in_the_same_shape(client: AsgiClient, path: str) -> None:
    """No route, no redirect, no page of the framework."""
    response = client.get(path)

    assert (response.status_code, fault(response)["code"]) == (404, "not_found")


def test_a_wrong_method_is_405_with_the_right_ones(client: AsgiClient) -> None:
    """The answer says what the path allows."""
    response = client.request("DELETE", "/v1/example/orders")

    assert (
        response.status_code,
        fault(response)["code"],
        response.headers["allow"],
    ) == (405, "method_not_allowed", "POST")


def test_a_path_that_is_named_does_not_allow_what_a_parameter_would(deps: ApiDeps) -> None:
    """`/orders/newest` is no order's number, though the pattern of another path would take it."""
    app = example_api(deps)

    @app.get("/v1/example/orders/newest")
    def newest() -> None:
        return None

    @app.delete("/v1/example/orders/{number}")
    def withdraw(number: str) -> None:
        return None

    client = AsgiClient(app)
    allowed = [client.request("PATCH", f"/v1/example/orders/{which}").headers["allow"] for which in ("newest", "7")]

    assert ["GET", "DELETE, GET"] == allowed


def test_a_frameworks_own_refusal_has_the_same_shape(deps: ApiDeps) -> None:
    """Whatever a library refuses comes out in our words."""
    app = example_api(deps)

    @app.get("/v1/example/teapot")
    def teapot() -> None:
        raise HTTPException(418, CANARY)

    response = AsgiClient(app).get("/v1/example/teapot")

    assert (response.status_code, fault(response)["code"]) == (400, "invalid_request")
    assert CANARY not in response.text


def test_a_rejection_tells_its_details(client: AsgiClient, deps: ApiDeps) -> None:
    """The caller's own fault is told fully."""
    deps.failure = Conflict("The order is filled.", order=7)
    response = client.post("/v1/example/orders", json=GOOD)
    error = fault(response)

    assert (
        response.status_code,
        error["code"],
        error["message"],
        error["details"],
    ) == (409, "conflict", "The order is filled.", {"order": 7})


def test_a_dependency_away_is_503_with_retry_after_and_no_details(client: AsgiClient, deps: ApiDeps) -> None:
    """Where our database is, is none of the caller's business."""
    deps.failure = DatabaseUnavailable(reason=f"connection to {CANARY} refused")
    response = client.post("/v1/example/orders", json=GOOD)

    assert (
        response.status_code,
        fault(response)["code"],
        fault(response)["details"],
    ) == (503, "database_unavailable", {})
    assert response.headers["retry-after"] == "5"
    assert CANARY not in response.text


def test_our_own_fault_is_told_by_code_alone(client: AsgiClient, deps: ApiDeps) -> None:
    """A broken promise of ours is 500, without its details."""
    deps.failure = KeyUnavailable(key_id=CANARY)
    response = client.post("/v1/example/orders", json=GOOD)

    assert (response.status_code, fault(response)["code"], fault(response)["details"]) == (500, "key_unavailable", {})
    assert CANARY not in response.text


def test_an_unforeseen_failure_is_500_without_a_trace(client: AsgiClient, deps: ApiDeps) -> None:
    """internal_error says nothing about the code."""
    deps.failure = ValueError(CANARY)
    response = client.post("/v1/example/orders", json=GOOD)

    assert (response.status_code, fault(response)["code"]) == (500, "internal_error")
    assert CANARY not in response.text


def test_a_full_minute_says_when_to_come_back(client: AsgiClient, deps: ApiDeps) -> None:
    """429 with the window's rest, rounded up."""
    deps.failure = RateLimited(limit_per_minute=100, reset_ms=1_200)
    response = client.post("/v1/example/orders", json=GOOD)

    assert (
        response.status_code,
        fault(response)["code"],
        response.headers["retry-after"],
    ) == (429, "rate_limited", "2")


def test_a_refused_start_answers_every_request_until_it_is_remedied(deps: ApiDeps) -> None:
    """A pending migration is found at the first request, told, and found again: nothing is served on an old schema."""
    refusals = [PendingMigration(applied="1", required="2"), PendingMigration(applied="1", required="2")]

    class Checked(ApiDeps):
        def check(self) -> None:
            if refusals:
                raise refusals.pop()

    client = AsgiClient(example_api(Checked()))
    answers = [client.post("/v1/example/orders", json=GOOD) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert fault(answers[0])["code"] == "pending_migration"


def test_a_callers_correlation_id_is_kept_if_it_is_plain(client: AsgiClient) -> None:
    """A good id travels on, an odd one is replaced."""
    kept = correlation_id()
    good = client.get("/v1/example/orders/1", headers={"x-correlation-id": kept})
    odd = client.get("/v1/example/orders/1", headers={"x-correlation-id": "a b"})

    assert kept == good.headers["x-correlation-id"]
    assert odd.headers["x-correlation-id"] != "a b"


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://console.example", "https://console.example"), ("https://evil.example", None)]
)
def test_browsers_may_call_from_listed_origins_only(client: AsgiClient, origin: str, allowed: str | None) -> None:
    """Preflight, success and fault alike."""
    preflight = client.request(
        "OPTIONS", "/v1/example/orders", headers={"origin": origin, "access-control-request-method": "POST"}
    )
    good = client.post("/v1/example/orders", json=GOOD, headers={"origin": origin})
    bad = client.post("/v1/example/orders", content=b" " * 3_000, headers={"origin": origin})

    assert [allowed] * 3 == [answer.headers.get("access-control-allow-origin") for answer in (preflight, good, bad)]


def test_the_document_holds_every_fault_in_the_houses_shape(deps: ApiDeps) -> None:
    """What the border answers is what the document says; nothing is left of the framework's own shape."""
    document = example_api(deps).openapi()
    statuses = set(document["paths"]["/v1/example/orders"]["post"]["responses"])

    assert {"200", "400", "401", "403", "404", "405", "409", "413", "422", "429", "500", "503"} == statuses
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_a_canary_appears_in_no_log_of_any_failure(
    client: AsgiClient, deps: ApiDeps, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither what a caller sent nor what a library said about it is written down."""
    deps.failure = ValueError(CANARY)
    headers = {"x-api-key": CANARY, "authorization": f"Bearer {CANARY}"}
    client.post(f"/v1/example/orders?token={CANARY}", json=GOOD, headers=headers)
    client.post("/v1/example/orders", json={"symbol": CANARY, CANARY: 1}, headers=headers)
    client.post("/v1/example/orders", content=f'{{"{CANARY}', headers=headers)
    client.get(f"/v1/example/orders/{CANARY}", headers=headers)
    client.get(f"/{CANARY}", headers=headers)
    written = capsys.readouterr()

    assert "ValueError" in written.out
    assert CANARY not in written.out + written.err


def test_tests_may_override_the_dependencies(deps: ApiDeps) -> None:
    """An application called as ASGI uses what override_deps gave it."""
    app = example_api(deps)
    other = ApiDeps()
    override_deps(app, other)
    AsgiClient(app).post("/v1/example/orders", json=GOOD)

    assert (deps.orders, other.orders) == ([], ["BTC"])
