"""Owns how a ruling is written down: the task's new state and the record of the attempt, in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.postgres import Fence, Transaction
from kernel.tasks.lifecycle import OUTCOMES, Ruling
from kernel.tasks.messages import sweep_before_sending
from kernel.tasks.rows import Q


def settle_held(
    tx: Transaction, fence: Fence, ruling: Ruling, *, now: datetime, result: Mapping[str, Any] | None = None
) -> bool:
    """Write the holder's ruling; False, and nothing written, when its token no longer holds."""
    columns = _columns(ruling, now)
    settled = tx.execute(
        Q["settle_held"],
        id=fence.task_id,
        fence=fence.token,
        result=dict(result) if result is not None else None,
        **columns,
    )
    return settled == 1


def settle_unheld(tx: Transaction, ids: Sequence[UUID], ruling: Ruling, *, owner: str, now: datetime) -> None:
    """Write a ruling on tasks that are locked by this transaction and held by nobody; each token is raised by one."""
    tx.execute(Q["settle_unheld"], ids=list(ids), owner=owner, **_columns(ruling, now))


def _columns(ruling: Ruling, now: datetime) -> dict[str, Any]:
    return {
        "state": ruling.state.value,
        "attempt": ruling.attempt,
        "run_at": ruling.run_at,
        "sweep_at": sweep_before_sending(ruling.run_at, now) if ruling.run_at else None,
        "outcome": OUTCOMES[ruling.event],
        "error_code": ruling.error_code,
        "error": ruling.error,
        "finished_at": now if ruling.is_final else None,
        "now": now,
    }
