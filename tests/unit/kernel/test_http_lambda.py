"""An API as Lambda calls it: events in, answers out, and what happens when the time runs out."""

import json
import threading
import time
from typing import Any

import pytest

from kernel.handler.http import lambda_handler
from tests.unit.kernel.example_api import GOOD, ApiDeps, example_api

pytestmark = pytest.mark.unit


@pytest.fixture
def deps() -> ApiDeps:
    return ApiDeps()


def gateway_event(method: str, path: str, body: str = "") -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example"},
        "requestContext": {
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "t",
            },
            "requestId": "gateway-request-1",
            "stage": "$default",
            "domainName": "api.example",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def test_lambda_calls_answer_as_api_gateway_expects(deps: ApiDeps) -> None:
    """An event goes in, an answer comes out, under API Gateway's own request id."""
    handler = lambda_handler(example_api(deps))
    answer = handler(gateway_event("POST", "/v1/example/orders", json.dumps(GOOD)), None)
    refused = handler(gateway_event("POST", "/v1/example/orders", "{"), None)

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"price": "1.5"})
    assert answer["headers"]["x-request-id"] == "gateway-request-1"
    assert (refused["statusCode"], json.loads(refused["body"])["error"]["request_id"]) == (400, "gateway-request-1")


def test_a_bound_entry_uses_its_own_dependencies(deps: ApiDeps) -> None:
    """bind leaves the original alone."""
    handler, other = lambda_handler(example_api(deps)), ApiDeps()
    handler.bind(other)(gateway_event("POST", "/v1/example/orders", json.dumps(GOOD)), None)

    assert (deps.orders, other.orders) == ([], ["BTC"])


class ShortContext:
    aws_request_id = "r1"

    def __init__(self, left_ms: int) -> None:
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms


@pytest.mark.parametrize("in_threads", [True, False])
def test_a_request_out_of_time_is_503_and_the_next_one_is_served(deps: ApiDeps, in_threads: bool) -> None:
    """The deadline guard answers before Lambda cuts the function off, and the container goes on."""
    app = example_api(deps, in_threads=in_threads)

    @app.get("/v1/example/slow")
    def slow() -> None:
        time.sleep(0.6)

    handler = lambda_handler(app)
    late = handler(gateway_event("GET", "/v1/example/slow"), ShortContext(200))
    good = handler(gateway_event("POST", "/v1/example/orders", json.dumps(GOOD)), ShortContext(5_000))

    assert (late["statusCode"], json.loads(late["body"])["error"]["code"]) == (503, "deadline_exceeded")
    assert good["statusCode"] == 200


@pytest.mark.parametrize("in_threads", [True, False])
def test_an_api_says_whether_its_routes_work_in_threads(deps: ApiDeps, in_threads: bool) -> None:
    """Its answers and its document are the same."""
    app, threads = example_api(deps, in_threads=in_threads), []

    @app.get("/v1/example/where/{number}")
    def where(number: int) -> int:
        threads.append(threading.current_thread())
        return number

    answer = lambda_handler(app)(gateway_event("GET", "/v1/example/where/5"), ShortContext(5_000))
    parameters = app.openapi()["paths"]["/v1/example/where/{number}"]["get"]["parameters"]

    assert ("5", ["number"]) == (answer["body"], [parameter["name"] for parameter in parameters])
    assert in_threads == (threads != [threading.main_thread()])
