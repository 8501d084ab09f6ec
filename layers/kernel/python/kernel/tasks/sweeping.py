"""Owns the sweep: what nobody sent or nobody finished is sent again, every kind in turn, and old records go."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from kernel.tasks.lifecycle import expired
from kernel.tasks.messages import SEND_GRACE_S, Pending
from kernel.tasks.rows import Q, pending_of
from kernel.tasks.settling import settle_unheld
from kernel.tasks.shares import fair_shares
from kernel.tasks.sqs import QueueRefused

if TYPE_CHECKING:
    from kernel.tasks.store import Tasks

#: The owner of rulings that the sweep made.
SWEEPER = "sweeper"


def skip_expired(tasks: "Tasks", limit: int) -> int:
    """Skip, with a record, the tasks whose window closed without a worker; how many."""
    now = tasks.clock.now()
    with tasks.postgres.transaction() as tx:
        ids = [row["id"] for row in tx.all(Q["lock_expired"], now=now, limit=limit)]
        if ids:
            settle_unheld(tx, ids, expired(), owner=SWEEPER, now=now)
    return len(ids)


def send_waiting(tasks: "Tasks", limit: int) -> int:
    """Send what is due soon and was not sent, or whose worker went silent; how many.

    Taking the rows moves their next sweep by a grace, so that a sweeper that dies before it sends is healed by the
    next one, and two sweepers at once send different tasks.
    """
    now = tasks.clock.now()
    with tasks.postgres.transaction() as tx:
        waiting = {row["kind"]: row["waiting"] for row in tx.all(Q["open_kinds"], now=now, limit=limit)}
        shares = fair_shares(waiting, limit)
        rows = tx.all(
            Q["take_shares"],
            kinds=list(shares),
            shares=list(shares.values()),
            sweep_at=now + timedelta(seconds=SEND_GRACE_S),
            now=now,
        )
    _send_kind_by_kind(tasks, [pending_of(row) for row in rows])
    return len(rows)


def _send_kind_by_kind(tasks: "Tasks", pending: list[Pending]) -> None:
    """Send what can be sent: a kind whose queue refuses holds up no other. Raises QueueRefused in the end."""
    refused: QueueRefused | None = None
    for _, group in groupby(sorted(pending, key=lambda task: task.kind), lambda task: task.kind):
        try:
            tasks.send(list(group))
        except QueueRefused as refusal:
            refused = refused or refusal
    if refused is not None:
        raise refused


def remove_finished(tasks: "Tasks", before: datetime, limit: int) -> int:
    """Remove tasks that finished before a moment, at most `limit`; how many. Parked ones stay."""
    with tasks.postgres.transaction() as tx:
        return tx.execute(Q["remove_finished"], before=before, limit=limit)
