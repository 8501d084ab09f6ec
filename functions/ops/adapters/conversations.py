"""Owns what is said between a WebSocket client and us: the greeting, and an answer to each message."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kernel.auth import Role, Tokens
from kernel.clock import Clock
from kernel.errors import Conflict
from kernel.ratelimit import Limiter, require_room
from kernel.realtime import Joined, Reader, Realtime, Registry, Topic, Verdict, messages, topic_for
from kernel.realtime.plan import Fate
from kernel.realtime.pusher import Pusher
from kernel.realtime.registry import TOPICS_PER_CONNECTION
from kernel.realtime.topics import ANONYMOUS, word_of
from kernel.realtime.vocabulary import Action, Asked, asked, offered

#: Messages that one connection may send in a minute.
MESSAGES_PER_MINUTE: Final = 240
_READ_ANEW: Final = frozenset({Verdict.EPOCH_CHANGED, Verdict.BEYOND_BACKLOG})


class TopicsExhausted(Conflict):
    """The connection reads as many topics as one may."""

    cause = "A connection reads at most the number of topics named in details."
    remedy = "Unsubscribe from topics, or open another connection."
    example = '{"most": 64}'


class ConnectionLost(Conflict):
    """The connection is not registered any more."""

    cause = "The register lost it, or it is being closed."
    remedy = "Subscribe again; if that fails, connect anew."


class Conversations:
    """Speaks with clients. Every method raises CacheUnavailable."""

    def __init__(
        self, registry: Registry, realtime: Realtime, pusher: Pusher, tokens: Callable[[], Tokens], limiter: Limiter,
        clock: Clock,
    ) -> None:  # fmt: skip
        """tokens: made only when a token comes, since its secret must be fetched."""
        self._registry, self._realtime, self._pusher = registry, realtime, pusher
        self._tokens, self._limiter, self._clock = tokens, limiter, clock

    def greet(self, connection_id: str, *, protocols: str, authorization: str) -> str | None:
        """Register a connection; the subprotocol to confirm. Raises Unauthorized for a token that is not good."""
        subprotocol, token = offered(protocols)
        scheme, _, bearer = authorization.partition(" ")
        if token is None and scheme.lower() == "bearer":
            token = bearer.strip()
        reader, ends_ms = self._session(token) if token is not None else (ANONYMOUS, 0)
        self._registry.register(connection_id, reader, ends_ms)
        return subprotocol

    def answer(self, connection_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one message.

        Raises RateLimited, UnknownAction, MessageInvalid, TopicUnknown, TopicForbidden, TopicNeedsSession,
        TopicsExhausted, ConnectionLost, Unauthorized, QueueUnavailable.
        """
        require_room(self._limiter, f"connection:{connection_id}", MESSAGES_PER_MINUTE, writes=False)
        said = asked(body)
        if said.action is Action.AUTH:
            return self._authenticate(connection_id, said)
        seen = self._registry.seen(connection_id, self._now_ms())
        if seen.has_expired:
            self._tell(connection_id, messages.expired(seen.ended))
        if not seen.is_known:
            self._registry.register(connection_id, ANONYMOUS)
            self._tell(connection_id, json.dumps(messages.system("subscriptions_lost")))
        match said.action:
            case Action.SUBSCRIBE:
                return self._subscribe(connection_id, said, seen.reader)
            case Action.UNSUBSCRIBE:
                names = [topic_for(wanted.name, seen.reader).name for wanted in said.topics]
                self._registry.leave(connection_id, names)
                return _acknowledged(said, [{"topic": name} for name in names])
            case Action.REQUEST:
                return self._last(topic_for(said.topics[0].name, seen.reader), said.id)
        positions = [
            {"topic": topic, "epoch": position.epoch, "sequence": position.sequence}
            for topic, position in sorted(seen.positions.items())
        ]
        return {
            "type": "pong",
            **({"id": said.id} if said.id else {}),
            "time": self._clock.now().isoformat(),
            "topics": positions,
        }

    def _subscribe(self, connection_id: str, said: Asked, reader: Reader) -> dict[str, Any]:
        # All or none: whoever may not read one of them has mistaken something.
        topics = [topic_for(wanted.name, reader) for wanted in said.topics]
        told: list[dict[str, Any]] = []
        for topic, wanted in zip(topics, said.topics, strict=True):
            joined = self._registry.join(connection_id, topic, wanted.position)
            if joined.verdict is Verdict.FULL:
                raise TopicsExhausted(most=TOPICS_PER_CONNECTION)
            if joined.verdict is Verdict.UNKNOWN:
                raise ConnectionLost
            if joined.waits:
                self._realtime.serve(topic.name, joined.shard)
            told.append(_told(topic, joined, resumes=wanted.position is not None))
        return _acknowledged(said, told)

    def _last(self, topic: Topic, id_: str | None) -> dict[str, Any]:
        position, text = self._registry.last(topic.name)
        where = {"topic": topic.name, "epoch": position.epoch, "sequence": position.sequence, "body": None}
        message: dict[str, Any] = json.loads(text) if text else {"type": word_of(topic.name), **where}
        return {**message, **({"id": id_} if id_ else {})}

    def _authenticate(self, connection_id: str, said: Asked) -> dict[str, Any]:
        reader, ends_ms = self._session(said.token)
        lost = self._registry.authenticate(connection_id, reader, ends_ms)
        if lost is None:
            self._registry.register(connection_id, reader, ends_ms)
            self._tell(connection_id, json.dumps(messages.system("subscriptions_lost")))
        return messages.ack(
            said.action,
            said.id,
            subject=reader.subject,
            expires_at=datetime.fromtimestamp(ends_ms / 1000, UTC).isoformat(),
            ended=sorted(lost or ()),
        )

    def _session(self, token: str) -> tuple[Reader, int]:
        principal, ends_s = self._tokens().session(token)
        subject = principal.identity.removeprefix("person:")
        return Reader(subject=subject, is_admin=principal.role >= Role.ADMIN), ends_s * 1000

    def _tell(self, connection_id: str, text: str) -> None:
        """Say something besides the answer; who cannot hear it will not hear the answer either."""
        if self._pusher.post(connection_id, text) is Fate.GONE:
            self._registry.forget(connection_id)

    def _now_ms(self) -> int:
        return int(self._clock.time_s() * 1000)


def _acknowledged(said: Asked, told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    answer = messages.streamed if said.names_feeds else messages.ack
    return answer(said.action, said.id, told)


def _told(topic: Topic, joined: Joined, *, resumes: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"topic": topic.name, "epoch": joined.epoch, "sequence": joined.sequence}
    if resumes:
        told["resumed"] = joined.verdict is Verdict.RESUMED
    if joined.verdict in _READ_ANEW:
        told["reason"] = joined.verdict.value
    return told
