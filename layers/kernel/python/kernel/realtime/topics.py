"""Owns what can be subscribed to, and by whom: one table, and the rule that reads it.

A topic is a kind, or a kind and a subject after a colon: "market-data", "market-data:FLR/USD", "portfolio:evm:0x12…".
The older words write kinds in capitals with underscores. A kind of one's own may leave the subject out: "portfolio" is
the portfolio of whoever asks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.errors import Forbidden, Invalid, Unauthorized

KIND_LONGEST, SUBJECT_LONGEST = 32, 96
# No blanks, quotes, braces or controls: a name goes into keys and into JSON as it is.
_KIND: Final = re.compile(rf"[a-z][a-z-]{{0,{KIND_LONGEST - 1}}}")
_SUBJECT: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:/-]{{0,{SUBJECT_LONGEST - 1}}}")


class TopicUnknown(Invalid):
    """There is no such topic."""

    code = "topic_unknown"
    cause = "The name's kind is none of those in /docs/asyncapi.json, or its subject has characters that none has."
    remedy = "Name a topic as kind, or kind:subject, of letters, digits and . _ : / - only."
    example = '{"topic": "market-data:FLR USD"}'


class TopicForbidden(Forbidden):
    """This topic is not yours."""

    code = "topic_forbidden"
    cause = "The topic belongs to another person, or to a role that the session does not have."
    remedy = "Subscribe to a topic of your own; administrators' topics need the role admin."
    example = '{"topic": "admin"}'


class TopicNeedsSession(Unauthorized):
    """This topic needs a session."""

    code = "topic_needs_session"
    cause = "The connection is anonymous, or its session has expired."
    remedy = 'Send {"action": "auth", "token": "…"} with a fresh token, then subscribe again.'
    example = '{"topic": "portfolio"}'


class Access(StrEnum):
    """Who may read a kind of topic."""

    PUBLIC = "public"
    OWN = "own"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: who may read it, what it tells, and the `type` of its messages."""

    access: Access
    tells: str
    word: str = "data"


#: Every kind of topic of the bundle.
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "market-data": Kind(Access.PUBLIC, "prices as contests see them; the subject is a token's mint"),
        "prices": Kind(
            Access.PUBLIC, "the oracle's consensus prices as they are decided; the subject is a feed", "price_update"
        ),
        "rounds": Kind(Access.PUBLIC, "voting rounds and what became of them"),
        "system": Kind(Access.PUBLIC, "the state of dependencies and services"),
        "contest": Kind(Access.PUBLIC, "a contest's standings; the subject is a contest"),
        "netting": Kind(Access.PUBLIC, "batches and their settlement"),
        "orders": Kind(Access.PUBLIC, "the bridge's orders; the subject is an order"),
        "barter": Kind(Access.PUBLIC, "markets and their cycles; the subject is a market"),
        "portfolio": Kind(Access.OWN, "one's own portfolio"),
        "user": Kind(Access.OWN, "what concerns one's own account"),
        "wallet": Kind(Access.OWN, "one's own custodial wallets"),
        "wallet-balance": Kind(Access.OWN, "the balances of one's own wallets"),
        "admin": Kind(Access.ADMIN, "what administrators must know"),
        "logs": Kind(Access.ADMIN, "the bundle's log lines"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who asks: a person's subject ("evm:0x…"), None for an anonymous connection."""

    subject: str | None = None
    is_admin: bool = False


ANONYMOUS: Final = Reader()


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by its canonical name."""

    name: str
    access: Access

    @property
    def is_public(self) -> bool:
        """Whether anybody may read it, without a session too."""
        return self.access is Access.PUBLIC


def topic_named(name: str) -> Topic:
    """The topic of this name. Raises TopicUnknown."""
    kind, subject = _parts(name)
    access = KINDS[kind].access
    if access is Access.OWN and subject is None:
        raise TopicUnknown(topic=name[:SUBJECT_LONGEST])
    return Topic(kind if subject is None else f"{kind}:{subject}", access)


def word_of(name: str) -> str:
    """The `type` of the messages of a topic by its canonical name."""
    return KINDS[name.partition(":")[0]].word


def topic_for(name: str, reader: Reader) -> Topic:
    """The topic that the reader means and may read. Raises TopicUnknown, TopicNeedsSession, TopicForbidden."""
    kind, subject = _parts(name)
    access = KINDS[kind].access
    if access is Access.PUBLIC:
        return topic_named(name)
    if reader.subject is None:
        raise TopicNeedsSession(topic=name[:SUBJECT_LONGEST])
    if access is Access.ADMIN:
        if not reader.is_admin:
            raise TopicForbidden(topic=kind)
        return topic_named(name)
    if subject is not None and subject != reader.subject:
        raise TopicForbidden(topic=kind)
    return Topic(f"{kind}:{reader.subject}", access)


def _parts(name: str) -> tuple[str, str | None]:
    """Kind and subject; the older words' capitals and underscores are those of the kind."""
    word, colon, subject = name.partition(":")
    kind = word.lower().replace("_", "-")
    if not _KIND.fullmatch(kind) or kind not in KINDS or (colon and not _SUBJECT.fullmatch(subject)):
        raise TopicUnknown(topic=name[:SUBJECT_LONGEST])
    return kind, subject if colon else None
