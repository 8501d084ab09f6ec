"""HTTP requests as payload 2.0 events, routes by rank, and handlers' answers."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.runner.bundle import HttpTrigger
from infra.local.runner.events import ApiSite, HttpCall, http_event
from infra.local.runner.gateway import HttpApi, Route, answer_of
from infra.local.runner.sockets import SocketApi

pytestmark = pytest.mark.unit
SITE = ApiSite(api_id="a", domain="a.example", stage="$default", account="123456789012")
CALL = HttpCall(
    method="POST",
    path="/x",
    query="",
    headers=[("content-type", "application/json")],
    body=b'{"a": 1}',
    source_ip="203.0.113.7",
    request_id="r",
    at=datetime(2026, 11, 20, tzinfo=UTC),
)


def event_of(**changes: Any) -> dict[str, Any]:
    return http_event(SITE, replace(CALL, **changes), "POST /x", {})


def test_cookies_travel_apart() -> None:
    """Each cookie is an entry of its own, and no header."""
    event = event_of(headers=[("cookie", "a=1; b=2"), ("cookie", "c=3"), ("accept", "x"), ("accept", "y")])

    assert ["a=1", "b=2", "c=3"] == event["cookies"]
    assert {"accept": "x,y"} == event["headers"]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"{}", ("{}", False)),
        ("application/problem+json; charset=utf-8", b"{}", ("{}", False)),
        ("text/plain", "ü".encode(), ("ü", False)),
        ("", b"a", ("a", False)),
        ("application/octet-stream", b"a", ("YQ==", True)),
        ("text/plain", b"\xff", ("/w==", True)),  # not the text it claims to be
    ],
)
def test_bytes_travel_as_base64(content_type: str, body: bytes, expected: tuple[str, bool]) -> None:
    """Text by its type and its bytes; everything else encoded and marked."""
    event = event_of(headers=[("content-type", content_type)], body=body)

    assert expected == (event["body"], event["isBase64Encoded"])


def test_empty_parts_are_left_out() -> None:
    """API Gateway sends no empty body, cookies, query or path parameters."""
    event = event_of(body=b"", headers=[])

    assert not {"body", "cookies", "queryStringParameters", "pathParameters"} & set(event)


def api(*routes: tuple[str, str]) -> HttpApi:
    sockets: Any = SocketApi({}, SITE, lambda *_: None, None)  # type: ignore[arg-type]  # no runner is needed
    compiled = [Route.compile(HttpTrigger(method, path), f"{method} {path}") for method, path in routes]
    return HttpApi(compiled, sockets, SITE, lambda *_: None, None)  # type: ignore[arg-type]  # no runner is needed


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        ("GET", "/a/fixed", "GET /a/fixed", {}),
        ("GET", "/a/b%2Fc", "GET /a/{id}", {"id": "b/c"}),
        ("POST", "/a/fixed", "* /a/{rest+}", {"rest": "fixed"}),
        ("GET", "/a/x/y", "* /a/{rest+}", {"rest": "x/y"}),
        ("GET", "/elsewhere", "* *", {}),
    ],
)
def test_literal_segment_wins_over_parameter(method: str, path: str, function: str, parameters: dict[str, str]) -> None:
    """The most specific route serves, whatever the order of their declaration."""
    routes = [("*", "*"), ("*", "/a/{rest+}"), ("GET", "/a/{id}"), ("GET", "/a/fixed")]
    matches = [(route.function, route.matches(method, path)) for route in api(*routes).routes]

    assert (function, parameters) == next((name, found) for name, found in matches if found is not None)


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ({"statusCode": 204}, 204, b""),
        ({"statusCode": "201", "body": "x"}, 201, b"x"),
        ({"statusCode": 200, "body": "YQ==", "isBase64Encoded": True}, 200, b"a"),
        ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a": 1}'),
        ({"any": "thing"}, 200, b'{"any": "thing"}'),
        ("text", 200, b"text"),
        (None, 200, b"null"),
        ({"statusCode": "nonsense"}, 500, b'{"message": "Internal Server Error"}'),
        ({"statusCode": 200, "headers": 3}, 500, b'{"message": "Internal Server Error"}'),
    ],
)
def test_answer_follows_payload_2(result: Any, status: int, body: bytes) -> None:
    """With statusCode the parts are taken; without, the result is the JSON body of a 200; nonsense is a 500."""
    answered = answer_of(result)

    assert (status, body) == (answered[0], answered[2])
