"""http_ingest: good points are stored, bad ones are named, and nobody without an internal key gets in."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.oracle.http_ingest import app
from functions.oracle.wiring import Deps
from kernel.auth.principal import Role, Tier
from kernel.handler.http import override_deps
from kernel.testing.asgi import AsgiClient

pytestmark = pytest.mark.handlers

PATH = "/internal/ingest"


@pytest.fixture
def client(offline: Deps) -> AsgiClient:
    """A worker with an internal key."""
    override_deps(app, offline)
    key = offline.kernel.api_keys.issue(tier=Tier.INTERNAL, role=Role.VIEWER, label="worker", actor="a test")
    return AsgiClient(app, headers={"X-Api-Key": key.key})


def feed(deps: Deps, **changes: Any) -> dict[str, Any]:
    """A good point, with changes."""
    good = {
        "symbol": "BTC/USD",
        "price": "93480.10",
        "volume": "1.5",
        "source": "kraken",
        "timestamp": deps.clock.now().isoformat(),
    }
    return {**good, **changes}


def batch(deps: Deps, *feeds: Any, **changes: Any) -> dict[str, Any]:
    """A request with these points."""
    return {"worker_id": "worker-1", "timestamp": deps.clock.now().isoformat(), "feeds": list(feeds), **changes}


def stored(deps: Deps) -> int:
    """How many points are in the database."""
    with deps.kernel.postgres.transaction() as tx:
        return int(tx.one("select count(*) as n from oracle.prices")["n"])


def test_good_points_are_stored_exactly(client: AsgiClient, offline: Deps) -> None:
    """Decimals keep their digits, and a number is taken at its shortest text."""
    answer = client.post(PATH, json=batch(offline, feed(offline), feed(offline, symbol="XRP/USD", price=2.153)))

    points = offline.repository.points_between(offline.clock.now() - offline.window, offline.clock.now())
    assert answer.json()["status"] == "ok"
    assert answer.json()["ingested"] == 2
    assert [(point.symbol, str(point.price)) for point in points] == [("BTC/USD", "93480.10"), ("XRP/USD", "2.153")]


def test_a_market_quoted_in_usdt_is_taken_as_it_is(client: AsgiClient, offline: Deps) -> None:
    """Most venues quote in USDT; the aggregation converts such points, so a worker may send them. USDT/USDT is none."""
    points = [feed(offline, symbol=symbol) for symbol in ("BTC/USDT", "DOGECOIN/USDT", "BTC/EUR")]
    answer = client.post(PATH, json=batch(offline, *points))

    assert [refused["index"] for refused in answer.json()["failed"]] == [1, 2]
    assert stored(offline) == 1


def test_the_same_batch_twice_is_stored_once(client: AsgiClient, offline: Deps) -> None:
    """A worker that got no answer may send again."""
    for _ in range(2):
        assert client.post(PATH, json=batch(offline, feed(offline))).status_code == 200

    assert stored(offline) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price": "-1"}, "price_not_positive"),
        ({"price": "0"}, "price_not_positive"),
        ({"price": "NaN"}, "price_not_positive"),
        ({"price": "Infinity"}, "price_not_positive"),
        ({"price": True}, "price_not_positive"),
        ({"price": None}, "price_not_positive"),
        ({"price": "1e400"}, "price_not_positive"),
        ({"volume": "-0.1"}, "volume_negative"),
        ({"symbol": "DOGECOIN/USD"}, "symbol_unknown"),
        ({"symbol": "btc/usd"}, "symbol_malformed"),
        ({"symbol": 7}, "symbol_malformed"),
        ({"source": "kraken'; drop table"}, "source_malformed"),
        ({"timestamp": "yesterday"}, "timestamp_malformed"),
        ({"timestamp": "2026-11-21T12:00:00"}, "timestamp_malformed"),
    ],
)
def test_a_bad_point_is_named_and_costs_its_neighbour_nothing(
    client: AsgiClient, offline: Deps, changes: dict[str, Any], reason: str
) -> None:
    """The good point of the same call is kept."""
    answer = client.post(PATH, json=batch(offline, feed(offline, **changes), feed(offline)))

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["failed"]) == ("partial", [{"index": 0, "reason": reason}])
    assert stored(offline) == 1


@pytest.mark.parametrize(("age_s", "reason"), [(181, "timestamp_stale"), (-6, "timestamp_future")])
def test_a_stale_or_future_point_alone_is_refused(client: AsgiClient, offline: Deps, age_s: int, reason: str) -> None:
    """With nothing to store the answer is a refusal that names each point."""
    time = (offline.clock.now() - timedelta(seconds=age_s)).isoformat()

    answer = client.post(PATH, json=batch(offline, feed(offline, timestamp=time)))

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "nothing_usable")
    assert error["details"]["fields"] == [{"field": "body.feeds.0", "problem": reason}]
    assert stored(offline) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"worker_id": "w", "timestamp": "2026-11-21T12:00:00Z"}',
        b'{"worker_id": "w", "timestamp": "2026-11-21T12:00:00Z", "feeds": []}',
        b'{"worker_id": "W!", "timestamp": "2026-11-21T12:00:00Z", "feeds": [{}]}',
        b'{"worker_id": "w", "timestamp": "2026-11-21T12:00:00Z", "feeds": [NaN]}',
        b'{"worker_id": "w", "timestamp": "2026-11-21T12:00:00Z", "feeds": "all"}',
        b'{"worker_id": "w", "timestamp": "2026-11-21T12:00:00Z", "feeds": [1], "more": 1}',
    ],
)
def test_a_malformed_request_is_refused_in_the_house_shape(client: AsgiClient, offline: Deps, body: bytes) -> None:
    """Malformed JSON, missing fields, wrong types and unknown fields: 400, and nothing is stored."""
    answer = client.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert set(answer.json()["error"]) == {"code", "message", "details", "request_id"}
    assert stored(offline) == 0


def test_a_hundred_and_one_points_are_too_many(client: AsgiClient, offline: Deps) -> None:
    """The limit of a call is a hundred."""
    answer = client.post(PATH, json=batch(offline, *[feed(offline)] * 101))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_an_oversized_body_is_refused_before_it_is_read(client: AsgiClient, offline: Deps) -> None:
    """More than a mebibyte never reaches the parser."""
    answer = client.post(PATH, content=json.dumps(batch(offline, "x" * 1_100_000)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_without_a_key_nobody_writes(client: AsgiClient, offline: Deps) -> None:
    """A missing, an invented and a revoked key are all the same to a caller."""
    issued = offline.kernel.api_keys.issue(tier=Tier.INTERNAL, role=Role.VIEWER, label="old", actor="a test")
    offline.kernel.api_keys.revoke(issued.prefix, actor="a test")
    bare = AsgiClient(app)

    codes = [
        bare.post(PATH, json=batch(offline, feed(offline)), headers=headers).status_code
        for headers in ({}, {"X-Api-Key": "cp_nobody"}, {"X-Api-Key": issued.key})
    ]

    assert (codes, stored(offline)) == ([401, 401, 401], 0)


def test_a_public_key_may_not_write(offline: Deps) -> None:
    """Ingestion is for our own workers."""
    override_deps(app, offline)
    key = offline.kernel.api_keys.issue(tier=Tier.PUBLIC, role=Role.VIEWER, label="reader", actor="a test")

    answer = AsgiClient(app, headers={"X-Api-Key": key.key}).post(PATH, json=batch(offline, feed(offline)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_with_redis_down_writes_are_refused_with_retry_after(client: AsgiClient, offline: Deps) -> None:
    """What cannot be counted is not accepted."""
    offline.kernel.counter.down = True  # type: ignore[attr-defined]  # the fake of the kernel's tests

    answer = client.post(PATH, json=batch(offline, feed(offline)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "rate_limit_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert stored(offline) == 0


def test_with_postgres_down_the_answer_says_so(client: AsgiClient, offline: Deps, postgres_server: Any) -> None:
    """503 with Retry-After, and no detail of the connection."""
    override_deps(app, offline)
    postgres_server.drop_database(offline.kernel.settings.database_url.removeprefix("plain:"))

    answer = client.post(PATH, json=batch(offline, feed(offline)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert "postgresql://" not in answer.text
