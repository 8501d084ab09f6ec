"""Bring one recorded transaction of the oracle onto the chain: sign, store, broadcast, confirm, replace."""

from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.outbox.evm import SubmitTransaction
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[SubmitTransaction], deps: Deps) -> Outcome:
    """One step of the write-ahead rule; the outbox says when to look again."""
    return deps.outbox.advance(task.payload.entry_id, task.fence)
