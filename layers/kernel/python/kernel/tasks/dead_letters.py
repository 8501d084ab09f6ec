"""Owns messages that were given up: each is recorded, and a task whose workers died is parked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel import strict_json
from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.postgres import Transaction
from kernel.postgres.text import storable
from kernel.tasks.lifecycle import State, rule_on_burial
from kernel.tasks.rows import Q, standing_of
from kernel.tasks.settling import settle_unheld
from kernel.tasks.store import Tasks

#: The owner of rulings made here.
UNDERTAKER = "dead-letters"
BODY_LENGTH_MAX = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A given-up message and what was done about it."""

    id: UUID
    queue: str
    message_id: str
    body: str
    attributes: Mapping[str, str]
    received_at: datetime
    task_id: UUID | None
    #: parked, already_finished, still_open (another message or the sweeper sees to it) or no_task.
    verdict: str
    replayed_at: datetime | None
    replayed_by: str | None


class DeadLetters:
    """The register of given-up messages."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def bury(self, *, queue: str, message_id: str, body: str, attributes: Mapping[str, str] | None = None) -> str:
        """Record a message from a dead-letter queue; the verdict. The same message again changes nothing.

        A task whose last worker went silent is parked. Any other is left alone: it is finished, or rescheduled under
        another message, or was never reached because the database was away, and then the sweeper sends it.
        """
        task_id = named_task(body)
        now = self._tasks.clock.now()
        with self._tasks.postgres.transaction() as tx:
            verdict = "no_task" if task_id is None else self._rule(tx, task_id, now)
            tx.execute(
                Q["insert_dead_letter"],
                id=new_id(),
                queue=queue,
                message_id=message_id,
                body=storable(body, BODY_LENGTH_MAX),
                attributes={name: storable(text, BODY_LENGTH_MAX) for name, text in (attributes or {}).items()},
                task_id=task_id,
                verdict=verdict,
                now=now,
            )
        return verdict

    def list(self, *, limit: int = 50, below: UUID | None = None) -> Sequence[DeadLetter]:
        """Given-up messages, newest first; `below` continues after the last id of a page."""
        with self._tasks.postgres.transaction() as tx:
            return [DeadLetter(**row) for row in tx.all(Q["dead_letters"], limit=limit, below=below)]

    def replay(self, letter_id: UUID, actor: str, *, queue: str | None = None) -> None:
        """Replay the task that the message named; or send a message that named none to `queue` once more.

        Raises NotFound; Conflict where the task's state or the body does not allow it, or the queue is not given.
        """
        with self._tasks.postgres.transaction() as tx:
            row = tx.maybe(Q["dead_letter"], id=letter_id)
        if row is None:
            raise NotFound(f"There is no dead letter {letter_id}.")
        if row["task_id"] is not None:
            self._tasks.replay(row["task_id"], actor)
        else:
            self._send_again(row, queue)
        with self._tasks.postgres.transaction() as tx:
            tx.execute(Q["mark_dead_letter_replayed"], id=letter_id, actor=actor, now=self._tasks.clock.now())

    def _send_again(self, row: Mapping[str, Any], queue: str | None) -> None:
        body = _json_or_none(row["body"])
        if queue is None or not isinstance(body, dict):
            raise Conflict("A message that named no task is sent again to a queue you name, if it is a JSON object.")
        self._tasks.sender.send(queue, body, delay_s=0, attributes=row["attributes"])

    def _rule(self, tx: Transaction, task_id: UUID, now: datetime) -> str:
        row = tx.maybe(Q["lock_task"], id=task_id)
        if row is None:
            return "no_task"
        ruling = rule_on_burial(standing_of(row), now)
        if ruling is None:
            return "still_open" if standing_of(row).is_open else "already_finished"
        settle_unheld(tx, [task_id], ruling, owner=UNDERTAKER, now=now)
        return State.PARKED.value


def named_task(body: str) -> UUID | None:
    """The task that a message's body names, or None for a body that is no task's."""
    message = _json_or_none(body)
    try:
        return UUID(message["task_id"]) if isinstance(message, dict) and set(message) == {"task_id"} else None
    except (ValueError, AttributeError, TypeError):
        return None


def _json_or_none(text: str) -> Any:
    try:
        return strict_json.read(text)
    except strict_json.NotStrictJson:
        return None
