"""Register us as a voter of the next reward epoch, while its registration is open."""

from functions.oracle.adapters.reward_tasks import EpochTask
from functions.oracle.core.reward_steps import decide_registration
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[EpochTask], deps: Deps) -> Outcome:
    """The task ends when the chain shows us among the voters, or registration closed without us."""
    reward_epoch, registrations = task.payload.reward_epoch, deps.rewards.registrations
    facts = registrations.facts(reward_epoch)

    step = decide_registration(facts)

    poll_s = deps.settings.finalise_poll_s
    return registrations.act(step, reward_epoch, deps.policy_signature, poll_s=poll_s, fence=task.fence)
