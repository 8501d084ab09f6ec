"""What the WebSocket API says of itself."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # no stubs

from kernel.realtime import KINDS, asyncapi, messages
from kernel.realtime.vocabulary import Action

pytestmark = pytest.mark.unit
DOCUMENT = asyncapi.document()
MESSAGES = DOCUMENT["components"]["messages"]
ROUND = {"voting_round": 7, "decided_at": "2026-01-01T00:00:00+00:00"}
PRICE = {"symbol": "FLR/USD", "price": "0.02", "confidence": "0", "sources": 4, "flagged": False, **ROUND}


def test_every_action_and_topic_is_told() -> None:
    """Both come from the tables that the code goes by."""
    assert set(Action) <= set(MESSAGES)
    assert [row["kind"] for row in DOCUMENT["x-topics"]] == sorted(KINDS)


def test_every_reference_leads_somewhere() -> None:
    """Inside the document."""

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for item in node for found in references(item)] if isinstance(node, list) else []

    found = references(DOCUMENT)

    assert len(found) > 20
    for reference in found:
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data", json.loads(messages.data("system", "e", 1, {"a": 1}, datetime(2026, 1, 1, tzinfo=UTC)))),
        ("ack", messages.ack("subscribe", "q", [{"topic": "system", "epoch": "e", "sequence": 1, "resumed": True}])),
        ("system", json.loads(messages.gap("system", "e", 4))),
        ("system", json.loads(messages.expired(["user:x"]))),
        ("subscribe", {"action": "subscribe", "topics": ["a", {"topic": "b", "epoch": "e", "sequence": 1}]}),
        ("subscribe_feeds", {"type": "subscribe", "feeds": ["FLR/USD"]}),
        ("subscribed", messages.streamed("subscribe", "q", [{"topic": "prices:FLR/USD", "epoch": "e", "sequence": 1}])),
        ("unsubscribed", messages.streamed("unsubscribe", None, [{"topic": "prices:FLR/USD"}])),
        ("price_update", json.loads(messages.data("prices:FLR/USD", "e", 1, PRICE, datetime(2026, 1, 1, tzinfo=UTC)))),
        (
            "price_update",
            json.loads(messages.data("prices", "e", 1, ROUND | {"prices": [PRICE]}, datetime(2026, 1, 1, tzinfo=UTC))),
        ),
    ],
)
def test_messages_are_as_they_are_described(name: str, message: dict[str, Any]) -> None:
    """Each satisfies its schema, and what is missing is found."""
    validator = Draft202012Validator(MESSAGES[name]["payload"])

    assert list(validator.iter_errors(message)) == []
    assert list(validator.iter_errors({})) != []
