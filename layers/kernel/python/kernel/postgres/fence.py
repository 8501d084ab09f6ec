"""Owns the fencing token: the proof that whoever commits still holds the task it works for."""

from dataclasses import dataclass
from uuid import UUID

#: Locks the task until the transaction ends, so that nobody can claim it between this check and the commit.
HOLD = "select 1 from kernel.tasks where id = %(task_id)s and fence = %(token)s and state = 'leased' for update"


@dataclass(frozen=True, slots=True)
class Fence:
    """One claim of one task. A later claim carries a greater token, and the older one is worth nothing from then on."""

    task_id: UUID
    token: int
