"""A WebSocket connection is made."""

import json

import pytest

from functions.ops.wiring import RealtimeDeps
from functions.ops.ws_connect import handler
from kernel.auth import Role
from kernel.realtime import Registry
from kernel.testing.kernel import FakedKernel
from kernel.upstash import Upstash
from tests.handlers.ops.socket_clients import EVENTS, Clients

pytestmark = pytest.mark.handlers


@pytest.fixture
def clients(upstash: Upstash) -> Clients:
    return Clients(upstash)


def test_an_anonymous_connection_is_registered(clients: Clients) -> None:
    """For a little longer than API Gateway keeps one open; it may read what is public."""
    answer = clients.connect("one")

    assert answer == {"statusCode": 200}
    seen = clients.registry.seen("one", 0)
    assert (seen.is_known, seen.reader.subject, seen.reader.is_admin) == (True, None, False)


def test_a_token_in_the_subprotocol_gives_a_session(clients: Clients) -> None:
    """Browsers can send nothing else; our own protocol is confirmed, and the token comes back nowhere."""
    answer = clients.connect("one", token=clients.token("evm:0xabc"))

    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "counterpart.v1"}}
    assert clients.registry.seen("one", 0).reader.subject == "evm:0xabc"


def test_a_token_in_the_authorization_header_gives_a_session(clients: Clients) -> None:
    """For programs, which can set headers."""
    clients.connect("one", Authorization=f"Bearer {clients.token(role=Role.ADMIN)}")

    assert clients.registry.seen("one", 0).reader.is_admin


@pytest.mark.parametrize("case", ["foreign", "expired", "empty"])
def test_a_token_that_is_not_good_refuses_the_connection(clients: Clients, case: str) -> None:
    """Rather than letting somebody in who believes to have a session."""
    token = {"foreign": "a.b.c", "empty": "", "expired": clients.token()}[case]
    clients.clock.advance(15 * 60)

    answer = clients.connect("one", token=token)

    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (401, "unauthorized")
    assert not clients.registry.seen("one", 0).is_known


def test_a_token_in_the_query_is_not_looked_at(clients: Clients) -> None:
    """Addresses are written into logs."""
    event = {**EVENTS["ws_connect"], "queryStringParameters": {"token": clients.token()}}
    handler.bind(clients.deps)(event, None)

    assert clients.registry.seen(event["requestContext"]["connectionId"], 0).reader.subject is None


def test_with_redis_down_the_connection_is_refused() -> None:
    """Nobody could be reached, so nobody is let in; the reason is told."""
    registry = Registry(Upstash("http://127.0.0.1:1", "none"))
    deps = RealtimeDeps(FakedKernel("postgresql://127.0.0.1:1/none"), registry=registry)

    answer = handler.bind(deps)(EVENTS["ws_connect"], None)

    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (503, "cache_unavailable")
