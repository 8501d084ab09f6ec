"""Owns what clients are told: the text of each message, made once however many it goes to."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kernel.errors import TooLarge
from kernel.realtime.topics import word_of
from kernel.realtime.vocabulary import FEEDS

#: API Gateway takes 128 KiB a message and counts every 32 KiB as one; ours fit into one.
BYTES_MAX: Final = 30 * 1024
#: What the price stream calls the acknowledgement of an action.
STREAMED: Final[Mapping[str, str]] = {"subscribe": "subscribed", "unsubscribe": "unsubscribed"}


def split(topic: str, body: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """What comes before and after epoch and sequence in a topic's message: those are known only once it is stored.

    Raises TooLarge, ValueError for what is no JSON.
    """
    head = f'{{"type":"{word_of(topic)}","topic":{json.dumps(topic)},'
    rest = {"time": now.isoformat(), "body": body}
    tail = json.dumps(rest, separators=(",", ":"), ensure_ascii=False, allow_nan=False)[1:]
    size = len(head.encode()) + len(tail.encode())
    if size > BYTES_MAX:
        raise TooLarge(limit_bytes=BYTES_MAX)
    return head, tail


def data(topic: str, epoch: str, sequence: int, body: Mapping[str, Any], now: datetime) -> str:
    """A whole message of a topic, as the script in Redis joins it."""
    head, tail = split(topic, body, now)
    return f'{head}"epoch":"{epoch}","sequence":{sequence},{tail}'


def ack(action: str, id_: str | None, topics: Sequence[Mapping[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """What was asked for is done."""
    return {"type": "ack", "action": action, **({"id": id_} if id_ else {}), "topics": list(topics), **more}


def streamed(action: str, id_: str | None, topics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same to whoever named feeds, in the words of the price stream."""
    feeds = [topic["topic"].removeprefix(FEEDS) for topic in topics if topic["topic"].startswith(FEEDS)]
    return {"type": STREAMED[action], **({"id": id_} if id_ else {}), "feeds": feeds, "topics": list(topics)}


def system(event: str, **facts: Any) -> dict[str, Any]:
    """Something that the client did not ask for and must know."""
    return {"type": "system", "event": event, **facts}


def gap(topic: str, epoch: str, sequence: int) -> str:
    """What came up to `sequence` is no longer there: the client reads the state anew, and goes on after it."""
    return json.dumps(system("gap", topic=topic, epoch=epoch, sequence=sequence), separators=(",", ":"))


def expired(topics: Sequence[str]) -> str:
    """The session ended while the connection was open; these topics ended with it."""
    return json.dumps(system("session_expired", topics=sorted(topics)), separators=(",", ":"))
