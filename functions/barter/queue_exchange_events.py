"""Take what the cursor or a webhook tells of an exchange's phase: it is looked at, at once."""

from functions.barter.wiring import Deps, build_deps
from kernel.chain_events import ToldEvent
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ToldEvent], deps: Deps) -> Outcome:
    return deps.following.hear(task.payload, fence=task.fence)
