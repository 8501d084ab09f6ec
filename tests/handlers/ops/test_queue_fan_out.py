"""What waits for a shard of readers is pushed."""

import json

import pytest

from functions.ops.queue_fan_out import handler
from kernel.realtime.plan import Fate
from kernel.upstash import Upstash
from tests.handlers.ops.socket_clients import EVENTS, Clients

pytestmark = pytest.mark.handlers


@pytest.fixture
def clients(upstash: Upstash) -> Clients:
    return Clients(upstash, shard_size=2)


def readers(clients: Clients, count: int) -> list[str]:
    names = [f"c{i}" for i in range(count)]
    for name in names:
        clients.connect(name)
        clients.say(name, action="subscribe", topics=["system"])
    return names


def test_every_reader_gets_every_message_once_and_in_order(clients: Clients) -> None:
    """One queue message a shard and publication; those that find nothing left do nothing."""
    names = readers(clients, 5)
    for n in range(3):
        clients.realtime.publish("system", {"n": n})

    delivered = clients.fan_out()

    assert delivered == 9
    assert [clients.screens.sequences(name) for name in names] == [[1, 2, 3]] * 5
    assert clients.screens.shown["c4"][2]["body"] == {"n": 2}


def test_a_gone_client_is_removed_and_nobody_else_notices(clients: Clients) -> None:
    """API Gateway's 410."""
    readers(clients, 3)
    clients.screens.fates["c0"] = Fate.GONE
    clients.realtime.publish("system", {})

    clients.fan_out()

    assert (clients.screens.sequences("c1"), clients.screens.sequences("c2")) == ([1], [1])
    assert not clients.registry.seen("c0", 0).is_known


def test_a_slow_client_is_let_go(clients: Clients) -> None:
    """Its connection is closed and forgotten: it comes back and resumes."""
    readers(clients, 2)
    clients.screens.fates["c1"] = Fate.SLOW
    clients.realtime.publish("system", {})

    clients.fan_out()

    assert (clients.screens.dropped, clients.registry.seen("c1", 0).is_known) == (["c1"], False)
    assert clients.screens.sequences("c0") == [1]


def test_throttled_clients_wait_and_nobody_gets_anything_twice(clients: Clients) -> None:
    """When API Gateway takes no more, those left over are served later from where they are."""
    readers(clients, 2)
    clients.realtime.publish("system", {"n": 1})
    clients.screens.fates["c1"] = Fate.LATER
    clients.fan_out()
    before = (clients.screens.sequences("c0"), clients.screens.sequences("c1"))

    del clients.screens.fates["c1"]
    clients.realtime.publish("system", {"n": 2})
    clients.clock.advance(2)
    clients.fan_out()

    assert before == ([1], [])
    assert (clients.screens.sequences("c0"), clients.screens.sequences("c1")) == ([1, 2], [1, 2])
    assert clients.screens.dropped == []


@pytest.mark.parametrize(
    "body",
    [{"topic": "system\n", "shard": 0}, {"topic": "system", "shard": -1}, {"topic": "system"}, [], {"shard": 0}],
    ids=["injected", "negative", "no shard", "list", "no topic"],
)
def test_a_message_that_is_none_of_ours_is_dropped(clients: Clients, body: object) -> None:
    """It would be no better for being delivered again."""
    record = {**EVENTS["queue_fan_out"]["Records"][0], "body": json.dumps(body)}

    assert handler.bind(clients.deps)({"Records": [record]}, None) == {"batchItemFailures": []}


def test_the_genuine_event_finds_nothing_to_do(clients: Clients) -> None:
    """Where nobody reads."""
    assert handler.bind(clients.deps)(EVENTS["queue_fan_out"], None) == {"batchItemFailures": []}
