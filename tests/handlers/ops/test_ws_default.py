"""A WebSocket message without a route of its own."""

import json
from typing import Any

import pytest

from infra.local.redis import RedisRest
from kernel.auth import Role
from kernel.upstash import Upstash
from tests.handlers.ops.socket_clients import EVENTS, Clients

pytestmark = pytest.mark.handlers
OWNER = "evm:0xabc"


@pytest.fixture
def clients(upstash: Upstash) -> Clients:
    clients = Clients(upstash, backlog=4)
    clients.connect("one")
    return clients


def test_a_ping_is_answered_with_a_pong(clients: Clients) -> None:
    """With our time, and where each topic is, so that a client notices what it has missed."""
    clients.say("one", action="subscribe", topics=["system"])
    epoch = clients.registry.last("system")[0].epoch

    answer = clients.say("one", action="ping", id=7)

    assert answer == {
        "type": "pong",
        "id": "7",
        "time": "2026-01-01T00:00:00+00:00",
        "topics": [{"topic": "system", "epoch": epoch, "sequence": 0}],
    }


def test_a_subscription_is_acknowledged_and_served(clients: Clients) -> None:
    """Each topic with its epoch, and the number after which its messages come."""
    clients.realtime.publish("rounds", {"n": 1})

    answer = clients.say("one", action="subscribe", id="a", topics=["system", "rounds"])

    epochs = {name: clients.registry.last(name)[0].epoch for name in ("system", "rounds")}
    assert answer == {
        "type": "ack",
        "action": "subscribe",
        "id": "a",
        "topics": [
            {"topic": "system", "epoch": epochs["system"], "sequence": 0},
            {"topic": "rounds", "epoch": epochs["rounds"], "sequence": 1},
        ],
    }
    clients.realtime.publish("rounds", {"n": 2})
    clients.fan_out()
    assert [(m["topic"], m["sequence"], m["body"]) for m in clients.screens.shown["one"]] == [("rounds", 2, {"n": 2})]


@pytest.mark.parametrize(
    "words",
    [
        {"type": "SUBSCRIBE", "topics": ["MARKET_DATA"]},
        {"type": "COMMAND", "command": "subscribe", "channel": "market-data"},
        {"action": "Subscribe", "topic": "market-data"},
        {"action": "sub", "channels": ["market_data"]},
    ],
    ids=["contests", "command", "capitals", "short"],
)
def test_the_older_words_mean_the_same(clients: Clients, words: dict[str, Any]) -> None:
    """One vocabulary, and its synonyms."""
    answer = clients.say("one", **words)

    assert [topic["topic"] for topic in answer["topics"]] == ["market-data"]


def test_the_price_stream_has_its_own_words(clients: Clients) -> None:
    """subscribed, price_update, unsubscribed, pong and error answer it. A feed is a topic of prices."""
    body = {"symbol": "FLR/USD", "price": "0.024"}
    subscribed = clients.say("one", type="subscribe", id=1, feeds=["FLR/USD", "BTC/USD"])
    clients.realtime.publish("prices:FLR/USD", body)
    clients.fan_out()
    last = clients.say("one", action="request", topic="prices:FLR/USD")
    unsubscribed = clients.say("one", type="unsubscribe", feeds=["FLR/USD"])
    pong, error = clients.say("one", type="ping"), clients.say("one", type="subscribe", feeds=["no feed"])
    clients.realtime.publish("prices:FLR/USD", body)
    clients.fan_out()

    (update,) = clients.screens.shown["one"]
    assert {"type": "subscribed", "id": "1", "feeds": ["FLR/USD", "BTC/USD"]} == {
        name: subscribed[name] for name in ("type", "id", "feeds")
    }
    assert ["prices:FLR/USD", "prices:BTC/USD"] == [topic["topic"] for topic in subscribed["topics"]]
    assert ("price_update", "prices:FLR/USD", 1, body) == tuple(
        update[name] for name in ("type", "topic", "sequence", "body")
    )
    assert update == last
    assert {"type": "unsubscribed", "feeds": ["FLR/USD"], "topics": [{"topic": "prices:FLR/USD"}]} == unsubscribed
    assert ["prices:BTC/USD"] == [topic["topic"] for topic in pong["topics"]]
    assert ("pong", "error", "topic_unknown") == (pong["type"], error["type"], error["error"]["code"])


def test_twice_subscribed_is_once(clients: Clients) -> None:
    """No message comes twice."""
    clients.say("one", action="subscribe", topics=["system"])
    clients.say("one", action="subscribe", topics=["system"])
    clients.realtime.publish("system", {})
    clients.fan_out()

    assert clients.screens.sequences("one") == [1]


def test_unsubscribed_is_silent(clients: Clients) -> None:
    """What was not read is no error."""
    clients.say("one", action="subscribe", topics=["system"])

    answer = clients.say("one", action="unsubscribe", topics=["system", "rounds"])

    assert answer["topics"] == [{"topic": "system"}, {"topic": "rounds"}]
    clients.realtime.publish("system", {})
    assert (clients.fan_out(), clients.screens.shown) == (0, {})


def test_a_request_is_answered_with_the_last_message(clients: Clients) -> None:
    """Or with nothing, where nothing was published."""
    empty = clients.say("one", action="request", topic="system")
    clients.realtime.publish("system", {"n": 1})
    clients.realtime.publish("system", {"n": 2})
    answer = clients.say("one", action="request", topic="system", id="x")

    assert (empty["sequence"], empty["body"]) == (0, None)
    assert (answer["type"], answer["sequence"], answer["body"], answer["id"]) == ("data", 2, {"n": 2}, "x")


def test_a_returning_client_gets_what_it_missed(clients: Clients) -> None:
    """In order, after the number that it names."""
    for n in range(1, 5):
        clients.realtime.publish("system", {"n": n})
    epoch = clients.registry.last("system")[0].epoch

    answer = clients.say("one", action="subscribe", topics=[{"topic": "system", "epoch": epoch, "sequence": 1}])
    clients.fan_out()

    assert answer["topics"] == [{"topic": "system", "epoch": epoch, "sequence": 4, "resumed": True}]
    assert clients.screens.sequences("one") == [2, 3, 4]


def test_beyond_the_backlog_it_is_told_to_read_anew(clients: Clients) -> None:
    """Nothing is skipped in silence."""
    for n in range(6):
        clients.realtime.publish("system", {"n": n})
    epoch = clients.registry.last("system")[0].epoch

    answer = clients.say("one", action="subscribe", topic="system", resume={"epoch": epoch, "sequence": 1})

    assert answer["topics"] == [
        {"topic": "system", "epoch": epoch, "sequence": 6, "resumed": False, "reason": "beyond_backlog"}
    ]


@pytest.mark.parametrize("sequence", [0, 99], ids=["of another epoch", "ahead of us"])
def test_another_epoch_is_told(clients: Clients, sequence: int) -> None:
    """A number of another epoch says nothing, nor does one that this epoch has not reached."""
    clients.realtime.publish("system", {})
    epoch = clients.registry.last("system")[0].epoch if sequence else "0123456789abcdef"

    answer = clients.say("one", action="subscribe", topic="system", epoch=epoch, sequence=sequence)

    assert (answer["topics"][0]["resumed"], answer["topics"][0]["reason"]) == (False, "epoch_changed")


def test_ones_own_topics_need_no_name(clients: Clients) -> None:
    """ "portfolio" is one's own; nobody else's can be read, nor an administrator's."""
    clients.connect("owner", token=clients.token(OWNER))

    own = clients.say("owner", action="subscribe", topics=["portfolio", f"wallet:{OWNER}"])
    codes = [
        clients.say(client, action="subscribe", topics=["system", name])["error"]["code"]
        for client, name in [
            ("owner", "portfolio:evm:0xdef"),
            ("owner", "admin"),
            ("one", f"portfolio:{OWNER}"),
            ("one", "logs"),
        ]
    ]

    assert [topic["topic"] for topic in own["topics"]] == [f"portfolio:{OWNER}", f"wallet:{OWNER}"]
    assert codes == ["topic_forbidden", "topic_forbidden", "topic_needs_session", "topic_needs_session"]
    # All or none: the refused ones have not subscribed to what is public either.
    assert clients.registry.seen("one", 0).positions == {}


def test_administrators_read_administrators_topics(clients: Clients) -> None:
    """An operator does not."""
    clients.connect("admin", token=clients.token(role=Role.ADMIN))
    clients.connect("operator", token=clients.token(role=Role.OPERATOR))

    answers = [
        clients.say(name, action="subscribe", topics=["admin", "logs"])["type"] for name in ("admin", "operator")
    ]

    assert answers == ["ack", "error"]


def test_a_session_can_come_as_the_first_message(clients: Clients) -> None:
    """For clients that can send no header."""
    answer = clients.say("one", action="auth", token=clients.token(OWNER))

    assert (answer["subject"], answer["expires_at"], answer["ended"]) == (OWNER, "2026-01-01T00:15:00+00:00", [])
    assert clients.say("one", action="subscribe", topics=["wallet-balance"])["type"] == "ack"


def test_an_expired_session_leaves_the_public_topics(clients: Clients) -> None:
    """It is told when something private is due, and nothing private is pushed any more."""
    clients.connect("owner", token=clients.token(OWNER))
    clients.say("owner", action="subscribe", topics=["portfolio", "system"])
    clients.clock.advance(15 * 60)
    clients.realtime.publish(f"portfolio:{OWNER}", {"secret": 1})
    clients.realtime.publish("system", {"n": 1})

    clients.fan_out()

    shown = clients.screens.shown["owner"]
    assert {"type": "system", "event": "session_expired", "topics": [f"portfolio:{OWNER}"]} in shown
    assert [message["topic"] for message in shown if message["type"] == "data"] == ["system"]
    refused = clients.say("owner", action="subscribe", topics=["portfolio"])
    assert refused["error"]["code"] == "topic_needs_session"


def test_an_expired_session_is_told_at_the_next_word(clients: Clients) -> None:
    """Also when nothing private was due."""
    clients.connect("owner", token=clients.token(OWNER))
    clients.say("owner", action="subscribe", topics=["user"])
    clients.clock.advance(15 * 60)

    pong = clients.say("owner", action="ping")

    assert pong["topics"] == []
    assert clients.screens.shown["owner"] == [
        {"type": "system", "event": "session_expired", "topics": [f"user:{OWNER}"]}
    ]


def test_a_renewed_session_goes_on(clients: Clients) -> None:
    """The private topics live as long as the new token."""
    clients.connect("owner", token=clients.token(OWNER))
    clients.say("owner", action="subscribe", topics=["portfolio"])
    clients.clock.advance(14 * 60)
    clients.say("owner", action="auth", token=clients.token(OWNER))
    clients.clock.advance(14 * 60)
    clients.realtime.publish(f"portfolio:{OWNER}", {"n": 1})
    clients.fan_out()

    assert clients.screens.sequences("owner") == [1]


def test_another_persons_session_ends_the_private_topics_of_the_first(clients: Clients) -> None:
    """A browser in which somebody else signs in."""
    clients.connect("owner", token=clients.token(OWNER))
    clients.say("owner", action="subscribe", topics=["portfolio", "system"])

    answer = clients.say("owner", action="auth", token=clients.token("evm:0xdef"))

    assert answer["ended"] == [f"portfolio:{OWNER}"]
    clients.realtime.publish(f"portfolio:{OWNER}", {})
    assert clients.fan_out() == 0


def test_a_wrong_token_changes_nothing(clients: Clients) -> None:
    """The session that there is stays."""
    clients.connect("owner", token=clients.token(OWNER))

    answer = clients.say("owner", action="auth", token="a.b.c")

    assert answer["error"]["code"] == "unauthorized"
    assert clients.registry.seen("owner", 0).reader.subject == OWNER


def test_a_connection_that_redis_lost_is_told_so(clients: Clients, redis_rest: RedisRest) -> None:
    """At its next word; it subscribes again, and learns that the epoch is another."""
    clients.say("one", action="subscribe", topics=["system"])
    clients.realtime.publish("system", {"n": 1})
    old = clients.registry.last("system")[0]
    redis_rest.flush()

    clients.say("one", action="ping")
    answer = clients.say("one", action="subscribe", topic="system", epoch=old.epoch, sequence=old.sequence)

    assert {"type": "system", "event": "subscriptions_lost"} in clients.screens.shown["one"]
    assert answer["topics"][0]["reason"] == "epoch_changed"
    clients.realtime.publish("system", {"n": 2})
    clients.fan_out()
    assert clients.screens.shown["one"][-1]["sequence"] == 1


def test_a_talkative_connection_is_slowed_down(clients: Clients) -> None:
    """A limit for each connection, whoever it belongs to."""
    answers = [clients.say("one", action="dance")["error"]["code"] for _ in range(241)]

    assert (answers[239], answers[240]) == ("unknown_action", "rate_limited")
    assert clients.say("two", action="dance")["error"]["code"] == "unknown_action"


def test_a_connection_reads_only_so_many_topics(clients: Clients) -> None:
    """The seventeenth in one message, the sixty-fifth in all."""
    seventeen = clients.say("one", action="subscribe", topics=[f"contest:{n}" for n in range(17)])
    for start in range(0, 64, 16):
        clients.say("one", action="subscribe", topics=[f"contest:{n}" for n in range(start, start + 16)])
    answer = clients.say("one", action="subscribe", topics=["contest:64"])

    assert seventeen["error"]["code"] == "message_invalid"
    assert (answer["error"]["code"], answer["error"]["details"]) == ("topics_exhausted", {"most": 64})


@pytest.mark.parametrize(
    "topic",
    ["system\n", "system|0", "contest:a b", 'contest:"', "contest:*", "contest:é", "contest:", ":x", "", "secrets",
     "contest:" + "x" * 97, "contest:{a}", "contest:\x00", "system:\r\nSET x"],
)  # fmt: skip
def test_names_that_no_topic_has_are_refused(clients: Clients, topic: str, redis_rest: RedisRest) -> None:
    """They would go into keys and messages."""
    answer = clients.say("one", action="subscribe", topics=[topic])

    assert answer["error"]["code"] == "topic_unknown"
    keys = redis_rest.command("KEYS", "rt:t:*")
    assert keys == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"action": "dance"}', "unknown_action"),
        ("{}", "unknown_action"),
        ('{"action": 7}', "unknown_action"),
        ("", "unknown_action"),
        ("[]", "invalid_request"),
        ("nonsense", "invalid_request"),
        ('{"action": NaN}', "invalid_request"),
        ("[" * 5_000, "invalid_request"),
        ("[" * 10_000, "body_too_large"),
        ('{"action": "subscribe"}', "message_invalid"),
        ('{"action": "subscribe", "topics": []}', "message_invalid"),
        ('{"action": "subscribe", "topics": ["system", "system"]}', "message_invalid"),
        ('{"action": "subscribe", "topics": [7]}', "message_invalid"),
        ('{"action": "subscribe", "topics": [{"topic": "system", "sequence": 1}]}', "message_invalid"),
        ('{"action": "subscribe", "topics": [{"topic": "system", "epoch": "e", "sequence": -1}]}', "message_invalid"),
        ('{"action": "subscribe", "topics": [{"topic": "system", "epoch": "e", "sequence": true}]}', "message_invalid"),
        ('{"action": "subscribe", "topic": "system", "resume": 7}', "message_invalid"),
        ('{"action": "request", "topics": ["system", "rounds"]}', "message_invalid"),
        ('{"action": "auth"}', "message_invalid"),
        ('{"action": "ping", "id": {}}', "message_invalid"),
    ],
)
def test_anything_else_is_answered_with_an_error(clients: Clients, body: str, code: str) -> None:
    """A message of type error in the house's shape, under the request's id."""
    answer = clients.send("one", body)

    assert (answer["type"], answer["error"]["code"]) == ("error", code)
    assert answer["error"]["request_id"] == EVENTS["ws_default"]["requestContext"]["requestId"]


def test_an_error_names_the_message_that_it_is_about(clients: Clients) -> None:
    """By the client's own id; details say what is wrong."""
    answer = clients.send("one", json.dumps({"action": "subscribe", "topics": ["secrets"], "id": "q1"}))

    assert (answer["id"], answer["error"]["details"]) == ("q1", {"topic": "secrets"})
