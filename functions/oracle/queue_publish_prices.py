"""Tell the prices of one voting round: into the cache of the newest ones, and to everybody who reads the stream."""

from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Task


@task_handler(build_deps)
def handler(task: Task[RoundTask], deps: Deps) -> None:
    """Told again, they are the same news; nobody hears them twice."""
    decided = deps.repository.aggregates_of(task.payload.voting_round)

    deps.latest.keep(decided)
    deps.publication.publish(decided, key=task.business_key)
