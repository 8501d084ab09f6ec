"""Record one voting round for its rewards: who voted what, who signed and finalised when, from the chain alone."""

from functions.oracle.adapters.reward_tasks import RecordRound
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Retry, Task


@task_handler(build_deps)
def handler(task: Task[RecordRound], deps: Deps) -> Outcome:
    """All reads are made at one head, which is stored with the record."""
    voting_round, head = deps.flare.network.voting_epoch(task.payload.voting_round), deps.flare.head()
    if head.time_s < voting_round.next.end_s:
        return Retry(deps.settings.finalise_poll_s, "a later block may still belong to the round")

    recorded = deps.rewards.record(voting_round, head)

    return deps.rewards.keep(recorded, fence=task.fence)
