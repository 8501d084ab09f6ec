"""A WebSocket connection is closed."""

import pytest

from kernel.upstash import Upstash
from tests.handlers.ops.socket_clients import Clients

pytestmark = pytest.mark.handlers


@pytest.fixture
def clients(upstash: Upstash) -> Clients:
    return Clients(upstash)


def test_a_closed_connection_is_forgotten(clients: Clients) -> None:
    """With what it read; also when it is told twice, or was never known."""
    clients.connect("one")
    clients.say("one", action="subscribe", topics=["system", "rounds"])

    answers = [clients.leave("one"), clients.leave("one"), clients.leave("nobody")]

    assert answers == [{"statusCode": 200}] * 3
    assert not clients.registry.seen("one", 0).is_known
    clients.realtime.publish("system", {"n": 1})
    assert clients.fan_out() == 0
