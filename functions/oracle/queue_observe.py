"""Observe one finished voting round: who did what wrong, and how near everybody came to the medians."""

from functions.oracle.adapters.recovery import recover
from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.core.sighting import finished_at_s, observe
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Retry, Task


@task_handler(build_deps)
def handler(task: Task[RoundTask], deps: Deps) -> Outcome:
    """From chain data alone, read at one head; needs no key."""
    voting_round, head = deps.flare.network.voting_epoch(task.payload.voting_round), deps.flare.head()
    if head.time_s < finished_at_s(voting_round):
        return Retry(deps.settings.finalise_poll_s, "a later block may still belong to the round")
    sight = deps.observatory.observing.sight(voting_round, head)

    seen = observe(sight, recover)

    return deps.observatory.observations.record(sight, seen, read_at_block=head.number, fence=task.fence)
