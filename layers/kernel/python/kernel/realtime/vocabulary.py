"""Owns the words: what a client may say, its older synonyms, and what each message must carry.

    subscribe     {"action": "subscribe", "topics": ["system", {"topic": "rounds", "epoch": "…", "sequence": 41}]}
    unsubscribe   {"action": "unsubscribe", "topics": ["system"]}
    request       {"action": "request", "topic": "system"}
    auth          {"action": "auth", "token": "…"}
    ping          {"action": "ping"}

An "id" of the client's choice comes back in the answer. Older clients say `type` instead of `action`, in capitals,
COMMAND with the word in `command`, and `topic`, `channel` or `channels` for what is meant. Who names `feeds` or
`symbols` speaks the price stream's words: {"type": "subscribe", "feeds": ["FLR/USD"]} is answered with `subscribed`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from kernel.errors import Invalid

TOPICS_MAX = 16
ID_LONGEST = 64
TOKEN_LONGEST = 2_048
EPOCH_LONGEST = 64
SEQUENCE_MAX = 2**53 - 1  # what every client can count


class UnknownAction(Invalid):
    """This action is not known here."""

    code = "unknown_action"
    cause = "The message's action is missing, or none of those that are offered."
    remedy = "Send one of the actions subscribe, unsubscribe, request, auth, ping."
    example = "{}"


class MessageInvalid(Invalid):
    """The message does not have the documented form."""

    code = "message_invalid"
    cause = "A field is missing, has the wrong type, or is outside its bounds."
    remedy = "Correct the field named in details; /docs/asyncapi.json shows every message."
    example = '{"field": "topics"}'


class Action(StrEnum):
    """What a client may ask for."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    REQUEST = "request"
    AUTH = "auth"
    PING = "ping"


#: The older words, and what they mean.
ALIASES: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "sub": Action.SUBSCRIBE,
        "unsub": Action.UNSUBSCRIBE,
        "get": Action.REQUEST,
        "authenticate": Action.AUTH,
        "login": Action.AUTH,
        "heartbeat": Action.PING,
    }
)
_WITH_TOPICS: Final = frozenset({Action.SUBSCRIBE, Action.UNSUBSCRIBE, Action.REQUEST})
#: Clients of the price stream name feeds, which are topics of prices, and are answered in the stream's words.
_FEEDS: Final = ("feeds", "symbols")
FEEDS: Final = "prices:"


@dataclass(frozen=True, slots=True)
class Position:
    """The last message that a client has of a topic."""

    epoch: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic by the name that the client used, and where it left off."""

    name: str
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One message of a client, checked."""

    action: Action
    id: str | None = None
    topics: tuple[Wanted, ...] = ()
    names_feeds: bool = False
    token: str = field(default="", repr=False)


def asked(body: Mapping[str, Any]) -> Asked:
    """What the client asks for. Raises UnknownAction, MessageInvalid."""
    action = _action(body)
    return Asked(
        action=action,
        id=_id(body.get("id")),
        topics=_topics(body, action) if action in _WITH_TOPICS else (),
        names_feeds=any(name in body for name in _FEEDS),
        token=_text(body.get("token"), "token", TOKEN_LONGEST) if action is Action.AUTH else "",
    )


def _action(body: Mapping[str, Any]) -> Action:
    for name in ("action", "type"):
        word = body.get(name)
        if isinstance(word, str) and word.lower() == "command":
            word = body.get("command")
        if isinstance(word, str):
            known = ALIASES.get(word.lower()) or next((item for item in Action if item == word.lower()), None)
            if known is not None:
                return known
    raise UnknownAction


def _topics(body: Mapping[str, Any], action: Action) -> tuple[Wanted, ...]:
    wanted: list[Wanted] = []
    for name in ("topics", "topic", "channels", "channel", *_FEEDS):
        given = body.get(name)
        if given is None:
            continue
        items = given if isinstance(given, list) else [given]
        wanted += [_wanted(item, body if name == "topic" else {}, is_feed=name in _FEEDS) for item in items]
    most = 1 if action is Action.REQUEST else TOPICS_MAX
    if not 1 <= len(wanted) <= most or len({item.name for item in wanted}) != len(wanted):
        raise MessageInvalid(field="topics")
    return tuple(wanted)


def _wanted(item: Any, beside: Mapping[str, Any], *, is_feed: bool) -> Wanted:
    """A name, or an object of name and position; a single `topic` may have its position (or `resume`) beside it."""
    if isinstance(item, str):
        return Wanted(f"{FEEDS}{item}" if is_feed else item, _position(beside))
    if isinstance(item, dict) and isinstance(item.get("topic"), str):
        return Wanted(item["topic"], _position(item))
    raise MessageInvalid(field="topics")


def _position(given: Mapping[str, Any]) -> Position | None:
    resume = given.get("resume", given)
    if not isinstance(resume, Mapping):
        raise MessageInvalid(field="resume")
    epoch, sequence = resume.get("epoch"), resume.get("sequence")
    if epoch is None and sequence is None:
        return None
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence <= SEQUENCE_MAX:
        raise MessageInvalid(field="sequence")
    return Position(_text(epoch, "epoch", EPOCH_LONGEST), sequence)


def _id(value: Any) -> str | None:
    return None if value is None else _text(str(value) if type(value) is int else value, "id", ID_LONGEST)


def _text(value: Any, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise MessageInvalid(field=name)
    return value


def offered(protocols: str) -> tuple[str | None, str | None]:
    """The subprotocol to confirm and the token, of a Sec-WebSocket-Protocol header; browsers can send nothing else.

    `new WebSocket(url, ["counterpart.v1", "bearer." + token])`: the token is never confirmed, so it comes back nowhere.
    """
    words: Sequence[str] = [word.strip() for word in protocols.split(",") if word.strip()]
    token = next((word.removeprefix(BEARER) for word in words if word.startswith(BEARER)), None)
    plain = [word for word in words if not word.startswith(BEARER)]
    return (SUBPROTOCOL if SUBPROTOCOL in plain else None), token


SUBPROTOCOL: Final = "counterpart.v1"
BEARER: Final = "bearer."
