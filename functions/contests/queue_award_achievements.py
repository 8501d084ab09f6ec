"""Give the players of one evaluated contest their experience and their achievements, some places at a time."""

from functions.contests.adapters.award_steps import AwardContest
from functions.contests.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[AwardContest], deps: Deps) -> Outcome:
    page = deps.awarding.look(task.payload.contest)

    return deps.awarding.take(page, fence=task.fence)
