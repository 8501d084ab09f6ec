"""Take what an inlet's event brought: read the chain again, book what is final there, forward it as declared."""

from functions.ops.adapters.arrivals import ToldArrival
from functions.ops.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ToldArrival], deps: Deps) -> Outcome:
    told = task.payload.told

    found = deps.arrivals.look(told)

    return deps.arrivals.take(told, found)
