"""Owns the fencing token: the proof that whoever commits still holds the task it works for."""

from dataclasses import dataclass
from uuid import UUID

#: Locks the task until the transaction ends, so that nobody can claim it between this check and the commit.
_HOLD = "select 1 from kernel.tasks where id = '{task_id}' and fence = {token} and state = 'leased' for update"


@dataclass(frozen=True, slots=True)
class Fence:
    """One claim of one task. A later claim carries a greater token, and the older one is worth nothing from then on."""

    task_id: UUID
    token: int

    @property
    def hold(self) -> str:
        """The statement that finds one row while this claim holds, complete, so that it can go along with a BEGIN."""
        return _HOLD.format(task_id=UUID(str(self.task_id)), token=int(self.token))
