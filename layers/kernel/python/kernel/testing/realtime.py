"""Owns the news of tests: what was published, in order, and nothing of a transaction that rolled back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kernel.postgres.transaction import Transaction
from kernel.realtime import messages, topic_named


@dataclass(slots=True)
class InMemoryRealtime:
    """A kernel.realtime.Publisher; `failing` makes every publication raise it."""

    published: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    failing: Exception | None = None
    _keys: set[tuple[str, str]] = field(default_factory=set)

    def publish(
        self, topic: str, body: Mapping[str, Any], *, after: Transaction | None = None, key: str | None = None
    ) -> None:
        """Keep the message, now or after the commit; the same key again is the same message."""
        name = topic_named(topic).name
        messages.split(name, body, datetime.fromtimestamp(0, UTC))  # what could not be sent is refused here, too

        def keep() -> None:
            if self.failing is not None:
                raise self.failing
            if key is None or (name, key) not in self._keys:
                self.published.append((name, dict(body)))
            if key is not None:
                self._keys.add((name, key))

        if after is None:
            keep()
        else:
            after.after_commit(keep)

    def publish_many(self, bodies: Mapping[str, Mapping[str, Any]], *, key: str) -> None:
        """Keep each message."""
        for topic, body in bodies.items():
            self.publish(topic, body, key=key)
