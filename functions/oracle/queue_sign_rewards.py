"""The rewards of an ended reward epoch: compute them, sign their root, wait until the voters agree."""

from functions.oracle.adapters.reward_tasks import EpochTask
from functions.oracle.core.reward_steps import decide_rewards
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[EpochTask], deps: Deps) -> Outcome:
    """The task ends with the root that the voters agreed on: with ours it asks for the claims, on another it alarms."""
    reward_epoch, rewarding = task.payload.reward_epoch, deps.rewards.rewarding
    facts = rewarding.facts(reward_epoch)

    step = decide_rewards(facts)

    poll_s = deps.settings.finalise_poll_s
    return rewarding.act(step, reward_epoch, deps.policy_signature, poll_s=poll_s, fence=task.fence)
