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
            {"kind": kind, "access": row.access.value, "read_by": _ACCESS[row.access], "tells": row.tells}
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
    return {
        "data": _telling(
            "data",
            f"One message of a topic, of {BYTES_MAX} bytes at most.",
            ["topic", "epoch", "sequence", "body"],
            **placed,
            time={"type": "string", "format": "date-time"},
            body={},
        ),
        "ack": _telling(
            "ack",
            "What was asked for is done; auth tells the session's end, and the topics that ended with another's.",
            ["action", "topics"],
            action={"enum": [action.value for action in Action]},
            topics={"type": "array", "items": subscribed},
            subject=_TEXT,
            expires_at={"type": "string", "format": "date-time"},
            ended={"type": "array", "items": _TEXT},
        ),
        "pong": _telling(
            "pong",
            "A sign of life, and where each topic is.",
            ["time", "topics"],
            time={"type": "string", "format": "date-time"},
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


def _saying(action: Action, about: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "required": ["action", *fields],
        "properties": {"action": {"const": action.value}, "id": _ID, **fields},
    }


def _telling(kind: str, about: str, required: list[str], **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "required": ["type", *required],
        "properties": {"type": {"const": kind}, "id": _ID, **fields},
    }
