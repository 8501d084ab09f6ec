"""Index a batch that the program has settled: read again what it touched, then let everything follow in one commit."""

from functions.netting.adapters.settled_batches import SettledBatch
from functions.netting.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[SettledBatch], deps: Deps) -> Outcome:
    step = task.payload

    found = deps.indexing.look(step)

    return deps.indexing.take(step, found, fence=task.fence)
