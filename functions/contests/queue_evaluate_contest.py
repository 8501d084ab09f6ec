"""Rank a contest that is over: results, what is owed for them, and its state in one commit."""

from functions.contests.adapters.life_steps import EvaluateContest
from functions.contests.wiring import Deps, build_evaluation_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_evaluation_deps)
def handler(task: Task[EvaluateContest], deps: Deps) -> Outcome:
    return deps.evaluating.evaluate(task.payload.contest, task.fence)
