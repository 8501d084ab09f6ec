"""Take one offloaded job as far as it goes: call its function, here or on a GPU, and store a checked result."""

from functions.ops.wiring import Deps, build_deps
from gpu.catalogue import problem_of
from kernel.handler import task_handler
from kernel.offload import PollOffload
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[PollOffload], deps: Deps) -> Outcome:
    return deps.offload.advance(task.payload.job_id, task.fence, problem_of)
