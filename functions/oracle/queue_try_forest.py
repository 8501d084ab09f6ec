"""Try a forest under attacks on a day that it knows nothing of, store it, and put it in force if it passed."""

from functions.oracle.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.offload import PollOffload
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[PollOffload], deps: Deps) -> Outcome:
    return deps.anomalies.training.try_out(task.payload.job_id, task.fence)
