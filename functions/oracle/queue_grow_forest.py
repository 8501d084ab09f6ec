"""Grow a forest with scikit-learn, which no other function has, check it, and ask for its trial."""

from functions.oracle.wiring import Deps, build_deps
from gpu.catalogue import problem_of
from kernel.handler import task_handler
from kernel.offload import PollOffload
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[PollOffload], deps: Deps) -> Outcome:
    return deps.anomalies.growing.advance(task.payload.job_id, task.fence, problem_of)
