"""Pay the prizes of one contest: some lines at a time, each once, and hold what cannot be taken yet."""

from functions.contests.adapters.pay_steps import PayContest
from functions.contests.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[PayContest], deps: Deps) -> Outcome:
    due = deps.paying.look(task.payload)

    return deps.paying.take(due, fence=task.fence)
