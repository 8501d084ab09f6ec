"""Claim what is ours of a reward epoch, with proofs under the root that the voters agreed on, and book it."""

from functions.oracle.adapters.reward_tasks import EpochTask
from functions.oracle.core.reward_steps import decide_claim
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[EpochTask], deps: Deps) -> Outcome:
    """The task ends when the chain has paid everything that was ours."""
    reward_epoch, claiming = task.payload.reward_epoch, deps.rewards.claiming
    due = claiming.due(reward_epoch)

    decided = [(one, decide_claim(one.facts)) for one in due]

    return claiming.act(decided, reward_epoch, poll_s=deps.settings.finalise_poll_s, fence=task.fence)
