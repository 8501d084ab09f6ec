"""Owns the publication of what others want to hear: in the transaction in which it comes true, once for each of them.

    deps.kernel.webhooks.publish(tx, "bridge.order_filled", order.key, {"order": order.key, "amount_wei": "1"})

A row and a task for each endpoint that listens are written beside the business change: both are there, or neither.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kernel.clock import Clock, SystemClock
from kernel.errors import Broken, Conflict
from kernel.ids import new_id
from kernel.postgres import Queries, Transaction
from kernel.tasks import Tasks, TaskSpec

Q: Final = Queries.load(Path(__file__).with_name("publishing.sql"))
KIND: Final = "ops.deliver_webhook"
_TOPIC: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
CONTENTS_MAX_BYTES: Final = 65_536
#: Not the attempts at the receiver, which `decision` counts, but those that ended before one: KMS or we were away.
ATTEMPTS_MAX: Final = 100


class MessageChanged(Conflict):
    """This business key was already told with other contents."""

    cause = "The same topic and business key were published before, about something else."
    remedy = "Give a different event a different business key."
    example = '{"topic": "bridge.order_filled", "business_key": "order-1"}'


class MessageTooLarge(Broken):
    """The contents of a webhook are too large."""

    cause = "A receiver is told what happened, and reads the rest over HTTP."
    remedy = "Publish the identifiers and the few facts that matter."
    example = '{"topic": "bridge.order_filled", "bytes": 70000}'


class Webhooks:
    """Publication. A slice's role in AWS needs sqs:SendMessage on the queue of KIND; without it the sweeper sends."""

    def __init__(self, tasks: Tasks, clock: Clock | None = None) -> None:
        self._tasks = tasks
        self._clock: Clock = clock or SystemClock()

    def publish(
        self, tx: Transaction, topic: str, business_key: str, contents: Mapping[str, Any], *, about: str | None = None
    ) -> int:
        """Tell everybody who listens, once; how many that is, 0 when it was told before.

        contents: JSON; amounts are texts of integers. about: the identity ("person:evm:0x…") of the person whom it
        concerns, if it does: of the endpoints that belong to persons only that person's are told.
        Raises MessageChanged, MessageTooLarge; ValueError for a topic or key of another form, whoever listens.
        """
        _require_form(topic, business_key)
        text = json.dumps(contents, allow_nan=False, sort_keys=True, separators=(",", ":"))  # in ASCII
        if len(text) > CONTENTS_MAX_BYTES:
            raise MessageTooLarge(topic=topic, bytes=len(text))
        now = self._clock.now()
        told = {"topic": topic, "business_key": business_key, "about": about, "contents": text}
        any_of = [topic, f"{topic.partition('.')[0]}.*"]
        found = tx.all(Q["publish"], **told, id=new_id(), any_of=any_of, now=now)
        rows = [row for row in found if row["message_id"] is not None]
        [before] = [row for row in found if row["message_id"] is None]
        if before["contents"] is not None or (before["is_heard"] and not rows):
            self._require_same(tx, topic, business_key, text)  # Somebody else may have told it just now.
        self._tasks.enqueue([task_of(row["message_id"], row["endpoint_id"], 1, now) for row in rows], tx)
        return len(rows)

    def _require_same(self, tx: Transaction, topic: str, business_key: str, text: str) -> None:
        row = tx.maybe(Q["contents"], topic=topic, business_key=business_key)
        if row is not None and row["contents"] != text:
            raise MessageChanged(topic=topic, business_key=business_key)


def _require_form(topic: str, business_key: str) -> None:
    """What the table would refuse only once somebody listens."""
    if not _TOPIC.fullmatch(topic):
        raise ValueError(f"a topic is <service>.<what happened> in small letters, not {topic!r}")
    if not 1 <= len(business_key) <= 200 or not business_key.isprintable():
        raise ValueError(f"a business key has 1 to 200 printable characters, unlike {business_key[:200]!r}")


def task_of(message_id: UUID, endpoint_id: UUID, round_number: int, now: datetime) -> TaskSpec:
    """The task that brings a message to an endpoint; each round of a delivery is one."""
    return TaskSpec(
        kind=KIND,
        business_key=f"webhook/{message_id}/{endpoint_id}/{round_number}",
        payload={"message_id": str(message_id), "endpoint_id": str(endpoint_id)},
        run_at=now,
        attempts_max=ATTEMPTS_MAX,
    )
