"""Owns the tasks in Postgres: asked for in the caller's transaction, claimed under a token, finished once.

The rulings come from `lifecycle`; this file carries them out. A message is sent after the commit and is only a hint:
when its sender dies in between, or the queue is away, the sweeper finds the task and sends it.
"""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from kernel.audit import Audit
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, LeaseLost, NotFound
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import messages, sweeping
from kernel.tasks.lifecycle import (
    EARLY_MAX_S,
    Ruling,
    State,
    completed,
    lease_within,
    rule_on_claim,
    rule_on_finish,
    rule_on_replay,
)
from kernel.tasks.messages import MessageSender, Pending
from kernel.tasks.model import Done, NotClaimed, Outcome, Task, TaskRecord, TaskSpec
from kernel.tasks.rows import Q, Row, pending_of, records_of, row_of, standing_of, task_of
from kernel.tasks.settling import settle_held, settle_unheld
from kernel.tasks.sqs import QueueUnavailable

logger = logging.getLogger(__name__)

#: How many tasks one sweep sends and skips at most.
SWEEP_LIMIT = 1000


class TaskTaken(Conflict):
    """A task of another purpose stands under this kind and business key."""

    cause = "The kind is that of other work, or two obligations of one service share a key, on two chains for instance."
    remedy = "Give the work a kind or a business key of its own; nothing was recorded."


class Tasks:
    """Durable work. Every method but those that are given a transaction opens its own."""

    def __init__(
        self,
        postgres: Postgres,
        sender: MessageSender,
        clock: Clock | None = None,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """chance: a number from 0 to 1 that spreads the next tries of tasks that failed together."""
        self.postgres = postgres
        self.sender = sender
        self.clock = clock or SystemClock()
        self._chance = chance
        self._audit = Audit(postgres, self.clock)
        self._completed: Fence | None = None

    def enqueue(self, specs: Sequence[TaskSpec], tx: Transaction | None = None) -> list[UUID]:
        """Ask for work, once per kind and business key; the ids in the order of the specs, old or new.

        With `tx` the tasks exist if and only if the caller's transaction commits, and are sent after that; only their
        insurance (`resend_s`) goes out before, for a worker that dies between its commit and its message.
        """
        if not specs:
            return []
        if tx is not None:
            return self._insert(tx, specs, insured=True)
        with self.postgres.transaction() as own:
            return self._insert(own, specs)

    def enqueue_new(self, specs: Sequence[TaskSpec], tx: Transaction) -> list[UUID]:
        """The same in the caller's transaction, for work that nobody may have asked for before. Raises TaskTaken."""
        return self._insert(tx, specs, are_new=True, insured=True) if specs else []

    def claim(
        self, task_id: UUID, owner: str, lease_s: float, *, kind: str | None = None
    ) -> Task[dict[str, Any]] | NotClaimed:
        """Take a task for `lease_s` seconds under a new fencing token, or learn why not.

        Where the task has insurance messages, the lease ends before the next of them (`lifecycle.lease_within`).
        A task whose window has closed is skipped with a record, one without attempts left is parked. A message that
        came too early is sent again. `kind` is what the worker serves: a message that strayed into its queue (dead
        letters moved back to the wrong one) must not run another kind's task there.
        """
        now = self.clock.now()
        with self.postgres.transaction(first=(Q["lock_task"], {"id": task_id})) as tx:
            row = next(iter(tx.opened), None)
            if row is None:
                return NotClaimed("no such task")
            if kind is not None and row["kind"] != kind:
                return NotClaimed(f"of another kind: {row['kind']}")
            ruling = rule_on_claim(standing_of(row), now)
            if isinstance(ruling, NotClaimed):
                if ruling.is_early:
                    self._send_after(tx, row)
                return ruling
            if ruling.is_final:
                settle_unheld(tx, [task_id], ruling, owner=owner, now=now)
                _log(row, ruling)
                return NotClaimed(ruling.error or ruling.state.value)
            until = now + timedelta(seconds=lease_within(lease_s, row["resend_s"]))
            leased = tx.one(
                Q["claim_task"], id=task_id, attempt=ruling.attempt, owner=owner, lease_until=until, now=now
            )
        return task_of(row, attempt=ruling.attempt or 1, token=leased["fence"])

    def complete(self, tx: Transaction, fence: Fence, result: Mapping[str, Any] | None = None) -> None:
        """Finish the task in the transaction that holds its effect: both commit, or neither.

        Raises LeaseLost when another worker has the task by now.
        """
        if not settle_held(tx, fence, completed(), now=self.clock.now(), result=result):
            raise LeaseLost(task_id=str(fence.task_id), token=fence.token)
        tx.after_commit(lambda: self._remember(fence))

    def finish(self, fence: Fence, outcome: Outcome | BaseException) -> None:
        """Carry out what the worker's outcome, or the exception it ended with, means for its task.

        Nothing happens when the task was finished under this token already, for instance by `complete`. Raises
        LeaseLost when another worker has it by now.
        """
        if fence == self._completed and isinstance(outcome, Done):
            return
        now = self.clock.now()
        with self.postgres.transaction(first=(Q["lock_task"], {"id": fence.task_id})) as tx:
            row = next(iter(tx.opened), None)
            if row is None or row["fence"] != fence.token:
                raise LeaseLost(task_id=str(fence.task_id), token=fence.token)
            if row["state"] != State.LEASED:
                return
            ruling = rule_on_finish(standing_of(row), outcome, now, jitter=self._chance())
            settle_held(tx, fence, ruling, now=now, result=getattr(outcome, "result", None))
            if ruling.run_at is not None:
                self._send_after(tx, row | {"run_at": ruling.run_at})
        _log(row, ruling)

    def renew(self, fence: Fence, lease_s: float) -> None:
        """Keep the task for another `lease_s` seconds from now; LeaseLost when another worker has it."""
        now = self.clock.now()
        until = now + timedelta(seconds=lease_s)
        with self.postgres.transaction() as tx:
            if not tx.execute(Q["renew_lease"], id=fence.task_id, fence=fence.token, lease_until=until, now=now):
                raise LeaseLost(task_id=str(fence.task_id), token=fence.token)

    def replay(self, task_id: UUID, actor: str) -> None:
        """Make a parked or dropped task ready again with all its attempts; who did it is recorded.

        Raises NotFound, and Conflict for a task in any other state.
        """
        now = self.clock.now()
        with self.postgres.transaction() as tx:
            row = tx.maybe(Q["lock_task"], id=task_id)
            if row is None:
                raise NotFound(f"There is no task {task_id}.")
            ruling = rule_on_replay(standing_of(row), now)
            if ruling is None:
                raise Conflict(f"A task that is {row['state']} is not replayed.", state=row["state"])
            settle_unheld(tx, [task_id], ruling, owner=actor, now=now)
            self._send_after(tx, row | {"run_at": now, "fence": row["fence"] + 1})  # settling raised the token
            was = {"kind": row["kind"], "business_key": row["business_key"], "was": row["state"]}
            self._audit.record(tx, actor=actor, action="tasks.replay", subject=f"task:{task_id}", details=was)

    def hasten(self, tx: Transaction, kind: str, business_key: str) -> bool:
        """Let a task that waits for its time be done now; False where none waits, or somebody has it at the moment."""
        now = self.clock.now()
        rows = tx.all(
            Q["hasten_task"],
            kind=kind,
            business_key=business_key,
            now=now,
            early=now + timedelta(seconds=EARLY_MAX_S),
            sweep_at=messages.sweep_before_sending(now, now),
        )
        self._send_after(tx, *rows)
        return bool(rows)

    def sweep(self, limit: int = SWEEP_LIMIT) -> int:
        """Skip what expired, then send what is due soon and was not sent or whose worker went silent; how many sent.

        Every kind gets its share of `limit`. Raises QueueUnavailable; the next sweep tries again.
        """
        sweeping.skip_expired(self, limit)
        return sweeping.send_waiting(self, limit)

    def remove_finished(self, before: datetime, limit: int = SWEEP_LIMIT) -> int:
        """Retention: remove tasks finished before a moment, with their attempts; how many. Parked ones stay."""
        return sweeping.remove_finished(self, before, limit)

    def get(self, task_id: UUID) -> TaskRecord:
        """A task with its attempts; NotFound."""
        with self.postgres.transaction() as tx:
            found = self._records(tx, tx.all(Q["task_by_id"], id=task_id))
        if not found:
            raise NotFound(f"There is no task {task_id}.")
        return found[0]

    def about(self, business_key: str, limit: int = 200) -> list[TaskRecord]:
        """Every task about a business key, oldest first, with attempts: the tasks' part of its trace."""
        with self.postgres.transaction() as tx:
            return self._records(tx, tx.all(Q["tasks_by_business_key"], business_key=business_key, limit=limit))

    def parked(self, kind: str | None = None, *, limit: int = 50, below: UUID | None = None) -> list[TaskRecord]:
        """Parked tasks, newest first, with attempts and errors; `below` continues after the last id of a page."""
        with self.postgres.transaction() as tx:
            return self._records(tx, tx.all(Q["parked_tasks"], kind=kind, limit=limit, below=below))

    def parked_by_kind(self) -> dict[str, int]:
        """How many tasks of each kind are parked."""
        with self.postgres.transaction() as tx:
            return {row["kind"]: row["parked"] for row in tx.all(Q["parked_by_kind"])}

    def send(self, tasks: Sequence[Pending]) -> None:
        """Send the messages about these tasks and note it. Raises QueueUnavailable; nothing is lost by that."""
        if not tasks:
            return
        now = self.clock.now()
        self.sender.send_many(messages.messages_for(tasks, now))
        self.postgres.glance.execute(
            "set local synchronous_commit = off; " + Q["note_sent"],
            ids=[task.id for task in tasks],
            fences=[task.fence for task in tasks],
            sweep_at=[messages.sweep_after_sending(task.run_at, now) for task in tasks],
        )

    def _remember(self, completed: Fence) -> None:
        """What this process has completed last, and knows to be committed, need not be looked up to be finished."""
        self._completed = completed

    def _insert(
        self, tx: Transaction, specs: Sequence[TaskSpec], *, are_new: bool = False, insured: bool = False
    ) -> list[UUID]:
        now = self.clock.now()
        rows = [row_of(spec, now) for spec in specs]
        created = tx.all(Q["insert_tasks"], tasks=Jsonb(rows), now=now)
        self._send_after(tx, *created, insured=insured)
        ids = {(row["kind"], row["business_key"]): row["id"] for row in created}
        missing = [spec for spec in specs if (spec.kind, spec.business_key) not in ids]
        if missing and are_new:
            raise TaskTaken(kind=missing[0].kind, business_key=missing[0].business_key)
        if missing:
            known = tx.all(
                Q["ids_by_key"],
                kinds=[spec.kind for spec in missing],
                business_keys=[spec.business_key for spec in missing],
            )
            ids |= {(row["kind"], row["business_key"]): row["id"] for row in known}
        return [ids[spec.kind, spec.business_key] for spec in specs]

    def _send_after(self, tx: Transaction, *rows: Row, insured: bool = False) -> None:
        """Send, once the transaction has committed, the messages of those that are due soon."""
        now = self.clock.now()
        due = [pending_of(row) for row in rows if messages.is_due_soon(row["run_at"], now)]
        if insured and self._insure(due, now):
            due = [replace(task, resend_s=()) for task in due]
        if due:
            tx.after_commit(lambda: self.send(due))

    def _insure(self, due: Sequence[Pending], now: datetime) -> bool:
        """Send the insurance of tasks that are about to be committed; whether the queue took it.

        Nobody comes back to a commit whose message was never sent but the sweeper, a minute later: too late for what
        has a window of seconds.
        """
        insurance = messages.insurance_for(due, now)
        try:
            if insurance:
                self.sender.send_many(insurance)
        except QueueUnavailable:
            return False
        return bool(insurance)

    def _records(self, tx: Transaction, rows: list[dict[str, Any]]) -> list[TaskRecord]:
        attempts = tx.all(Q["attempts_of"], ids=[row["id"] for row in rows]) if rows else []
        return records_of(rows, attempts)


def _log(row: Row, ruling: Ruling) -> None:
    """A parked task is an alarm, a dropped or skipped one worth knowing; the rest is in the attempts."""
    if ruling.is_final and ruling.state is not State.DONE:
        level = logging.ERROR if ruling.state is State.PARKED else logging.WARNING
        fields = {"task_id": str(row["id"]), "kind": row["kind"], "business_key": row["business_key"]}
        reason = {"state": ruling.state.value, "error_code": ruling.error_code, "error": ruling.error}
        logger.log(level, "A task ended without its effect.", extra=fields | reason)
