"""Owns what the WebSocket API says of itself: an AsyncAPI 3.0 document, made from the tables that the code goes by."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.realtime.messages import BYTES_MAX
from kernel.realtime.topics import KINDS, Access
from kernel.realtime.vocabulary import ALIASES, ID_LONGEST, SEQUENCE_MAX, SUBPROTOCOL, TOPICS_MAX, Action

_ACCESS: Final[Mapping[Access, str]] = {
    Access.PUBLIC: "anybody",
    Access.OWN: "oneself, signed in; the subject is one's own and may be left out",
    Access.ADMIN: "administrators",
}
_ABOUT: Final = (
    "One WebSocket API for the whole bundle. Messages of a topic are numbered; apply a message whose number follows "
    "the last one, drop a lower one, and after a higher one subscribe again with the position you have. After an "
    'answer with "resumed": false, or a "gap", read the state anew and go on after the number that it names. Say '
    "ping every minute: the pong tells where each topic is (an empty epoch: subscribe again), and API Gateway closes "
    "what is idle for ten minutes, and everything after two hours. Data may overtake the ack of its subscription."
)
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": SEQUENCE_MAX}
_ID: Final = {"type": "string", "maxLength": ID_LONGEST, "description": "comes back in the answer"}
_POSITION: Final = {
    "type": "object",
    "required": ["topic"],
    "properties": {"topic": _TEXT, "epoch": _TEXT, "sequence": _NUMBER},
}
_FEEDS: Final = {"type": "array", "maxItems": TOPICS_MAX, "items": {**_TEXT, "examples": ["FLR/USD"]}}
_PRICE: Final = {
    "type": "object",
    "description": "Decimals as text; confidence is the half-width of a 95 % interval; flagged: fewer than 3 sources.",
    "required": ["symbol", "price", "confidence", "sources", "flagged", "voting_round", "decided_at"],
    "properties": {
        "symbol": _TEXT,
        "price": _TEXT,
        "confidence": _TEXT,
        "sources": _NUMBER,
        "flagged": {"type": "boolean"},
        "voting_round": _NUMBER,
        "decided_at": {"type": "string", "format": "date-time"},
    },
}
_ROUND_OF_PRICES: Final = {
    "type": "object",
    "required": ["voting_round", "decided_at", "prices"],
    "properties": {
        "voting_round": _NUMBER,
        "decided_at": {"type": "string", "format": "date-time"},
        "prices": {"type": "array", "items": _PRICE},
    },
}


def document(version: str = "1") -> dict[str, Any]:
    """The whole document."""
    sent, told = _sent(), _told()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Counterpart realtime", "version": version, "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/",
                "description": f"A token goes into Sec-WebSocket-Protocol ({SUBPROTOCOL}, bearer.<token>), or into the "
                "first message (auth); without one, public topics can be read.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*sent, *told)},
            }
        },
        "operations": {
            "say": _operation("receive", sent),
            "hear": _operation("send", told),
        },
        "components": {
            "messages": {
                name: {"name": name, "payload": payload, "summary": payload.get("description", name)}
                for name, payload in {**sent, **told}.items()
            }
        },
        "x-topics": [
            {
                "kind": kind,
                "access": row.access.value,
                "read_by": _ACCESS[row.access],
                "tells": row.tells,
                "type": row.word,
            }
            for kind, row in sorted(KINDS.items())
        ],
        "x-aliases": {word: action.value for word, action in sorted(ALIASES.items())},
    }


def _operation(action: str, names: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/socket/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "messages": messages}


def _sent() -> dict[str, dict[str, Any]]:
    """What clients say."""
    several = {"type": "array", "minItems": 1, "maxItems": TOPICS_MAX}
    wanted = {**several, "items": {"oneOf": [_TEXT, _POSITION]}}
    return {
        "subscribe": _saying(Action.SUBSCRIBE, "Read topics, from now on or after a position.", topics=wanted),
        "unsubscribe": _saying(Action.UNSUBSCRIBE, "Read topics no more.", topics={**several, "items": _TEXT}),
        "subscribe_feeds": _streaming(Action.SUBSCRIBE, "Read the prices of feeds, from now on."),
        "unsubscribe_feeds": _streaming(Action.UNSUBSCRIBE, "Read the prices of feeds no more."),
        "request": _saying(Action.REQUEST, "Ask for a topic's last message.", topic=_TEXT),
        "auth": _saying(Action.AUTH, "Begin a session, or go on with a fresh token.", token=_TEXT),
        "ping": _saying(Action.PING, "Ask for a sign of life, and where each topic is."),
    }


def _told() -> dict[str, dict[str, Any]]:
    """What clients are told."""
    placed = {"topic": _TEXT, "epoch": _TEXT, "sequence": _NUMBER}
    subscribed = {
        "type": "object",
        "required": ["topic"],
        "properties": {
            **placed,
            "resumed": {"type": "boolean"},
            "reason": {"enum": ["epoch_changed", "beyond_backlog"]},
        },
    }
    error = {
        "type": "object",
        "required": ["code", "message", "details", "request_id"],
        "properties": {"code": _TEXT, "message": _TEXT, "details": {"type": "object"}, "request_id": _TEXT},
    }
    events = {"enum": ["session_expired", "subscriptions_lost", "gap"]}
    moment = {"type": "string", "format": "date-time"}
    return {
        "data": _telling(
            "data",
            f"One message of a topic, of {BYTES_MAX} bytes at most.",
            ["topic", "epoch", "sequence", "body"],
            **placed,
            time=moment,
            body={},
        ),
        **_streamed(placed | {"time": moment}, {"type": "array", "items": subscribed}),
        "ack": _telling(
            "ack",
            "What was asked for is done; auth tells the session's end, and the topics that ended with another's.",
            ["action", "topics"],
            action={"enum": [action.value for action in Action]},
            topics={"type": "array", "items": subscribed},
            subject=_TEXT,
            expires_at=moment,
            ended={"type": "array", "items": _TEXT},
        ),
        "pong": _telling(
            "pong",
            "A sign of life, and where each topic is.",
            ["time", "topics"],
            time=moment,
            topics={"type": "array", "items": _POSITION},
        ),
        "system": _telling(
            "system",
            "Something unasked: a session's end, a lost register, messages that are no longer there.",
            ["event"],
            event=events,
            **placed,
            topics={"type": "array", "items": _TEXT},
        ),
        "error": _telling("error", "A refusal; every code stands in /docs/errors.json.", ["error"], error=error),
    }


def _streamed(placed: Mapping[str, Any], topics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The words of the price stream."""
    acknowledged = {
        word: _telling(word, about, ["feeds", "topics"], feeds=_FEEDS, topics=topics)
        for word, about in (
            ("subscribed", "These feeds are read from now on; each is the topic prices:<feed>."),
            ("unsubscribed", "These feeds are read no more."),
        )
    }
    update = _telling(
        "price_update",
        "One message of prices:<feed>, or of prices, which has every feed of a round in `prices`.",
        ["topic", "epoch", "sequence", "body"],
        **placed,
        body={"oneOf": [_PRICE, _ROUND_OF_PRICES]},
    )
    return {"price_update": update, **acknowledged}


def _saying(action: Action, about: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "required": ["action", *fields],
        "properties": {"action": {"const": action.value}, "id": _ID, **fields},
    }


def _streaming(action: Action, about: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": f"{about} Answered in the price stream's words.",
        "required": ["type", "feeds"],
        "properties": {"type": {"const": action.value}, "id": _ID, "feeds": {**_FEEDS, "minItems": 1}},
    }


def _telling(kind: str, about: str, required: list[str], **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "required": ["type", *required],
        "properties": {"type": {"const": kind}, "id": _ID, **fields},
    }
