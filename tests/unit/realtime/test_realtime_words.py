"""What clients may say, and what they are told."""

import json
from datetime import UTC, datetime

import pytest

from kernel.errors import TooLarge
from kernel.realtime import messages
from kernel.realtime.vocabulary import (
    ALIASES,
    Action,
    MessageInvalid,
    Position,
    UnknownAction,
    Wanted,
    asked,
    offered,
)

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"topics": ["a", "b"]}, (Wanted("a"), Wanted("b"))),
        ({"topic": "a"}, (Wanted("a"),)),
        ({"topic": "a", "epoch": "e", "sequence": 0}, (Wanted("a", Position("e", 0)),)),
        ({"topic": "a", "resume": {"epoch": "e", "sequence": 7}}, (Wanted("a", Position("e", 7)),)),
        ({"topics": [{"topic": "a", "epoch": "e", "sequence": 7}, "b"]}, (Wanted("a", Position("e", 7)), Wanted("b"))),
        ({"channels": ["a"], "topic": "b"}, (Wanted("b"), Wanted("a"))),
        ({"feeds": ["FLR/USD"]}, (Wanted("prices:FLR/USD"),)),
        ({"symbols": ["FLR/USD", "BTC/USD"]}, (Wanted("prices:FLR/USD"), Wanted("prices:BTC/USD"))),
    ],
)
def test_topics_are_named_in_several_ways(body: dict[str, object], wanted: tuple[Wanted, ...]) -> None:
    """Alone or in a list, with or without a position."""
    assert asked({"action": "subscribe", **body}).topics == wanted


@pytest.mark.parametrize(("named", "known"), [("feeds", True), ("symbols", True), ("topics", False)])
def test_who_names_feeds_is_known_by_it(named: str, known: bool) -> None:
    """And answered in the price stream's words."""
    assert known == asked({"type": "subscribe", named: ["FLR/USD"]}).names_feeds


@pytest.mark.parametrize("word", [*Action, *ALIASES, "SUBSCRIBE", "Ping"])
def test_every_word_is_known_in_every_spelling(word: str) -> None:
    """As action, as type, and as a command."""
    beside = {"topic": "a", "token": "t"}
    said = [
        asked({"action": word, **beside}),
        asked({"type": word.upper(), **beside}),
        asked({"type": "COMMAND", "command": word, **beside}),
    ]

    assert {one.action for one in said} == {ALIASES.get(word.lower()) or Action(word.lower())}


@pytest.mark.parametrize("body", [{}, {"action": None}, {"action": ["ping"]}, {"type": "COMMAND"}, {"action": "pong"}])
def test_no_other_word_is(body: dict[str, object]) -> None:
    """An action is one of the five."""
    with pytest.raises(UnknownAction):
        asked(body)


@pytest.mark.parametrize("sequence", [-1, 2**53, 1.0, "1", True, None])
def test_a_position_is_a_number_that_every_client_can_count(sequence: object) -> None:
    """A whole one, from nothing on."""
    with pytest.raises(MessageInvalid):
        asked({"action": "subscribe", "topic": "a", "epoch": "e", "sequence": sequence})


def test_sixteen_topics_at_once_and_no_more() -> None:
    """One for a request."""
    assert len(asked({"action": "subscribe", "topics": [str(n) for n in range(16)]}).topics) == 16
    with pytest.raises(MessageInvalid):
        asked({"action": "subscribe", "topics": [str(n) for n in range(17)]})
    with pytest.raises(MessageInvalid):
        asked({"action": "request", "topics": ["a", "b"]})


def test_a_token_shows_in_no_repr() -> None:
    """What is logged of a message does not open a session."""
    assert "secret" not in repr(asked({"action": "auth", "token": "secret"}))


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [
        ("counterpart.v1, bearer.x.y.z", ("counterpart.v1", "x.y.z")),
        ("bearer.x.y.z,counterpart.v1", ("counterpart.v1", "x.y.z")),
        ("bearer.x.y.z", (None, "x.y.z")),
        ("graphql-ws", (None, None)),
        ("", (None, None)),
    ],
)
def test_the_subprotocols_carry_a_token_that_is_never_confirmed(
    protocols: str, expected: tuple[str | None, str | None]
) -> None:
    """Only our own protocol is."""
    assert offered(protocols) == expected


def test_a_message_is_one_text_around_its_number() -> None:
    """As the script joins it; it is JSON."""
    text = messages.data("system", "e1", 7, {"n": "é"}, NOW)

    assert json.loads(text) == {
        "type": "data",
        "topic": "system",
        "epoch": "e1",
        "sequence": 7,
        "time": "2026-01-01T00:00:00+00:00",
        "body": {"n": "é"},
    }


def test_a_message_fits_into_what_api_gateway_counts_as_one() -> None:
    """32 KiB, in bytes and not in characters; what is no JSON goes to nobody."""
    messages.split("system", {"n": "x" * (messages.BYTES_MAX - 200)}, NOW)
    with pytest.raises(TooLarge):
        messages.split("system", {"n": "é" * (messages.BYTES_MAX // 2 + 100)}, NOW)
    with pytest.raises(ValueError, match="JSON"):
        messages.split("system", {"n": float("nan")}, NOW)
