"""Net the intents that wait, if it is time for a batch, and publish what was decided before it is settled."""

from functions.netting.adapters.net_steps import NetSlot
from functions.netting.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[NetSlot], deps: Deps) -> Outcome:
    deps.publishing.publish()  # What somebody decided who died before it was published.
    deps.offers.end_stale()
    deps.planning.end_too_old()
    proposal = deps.proposing.propose(deps.sizes)

    outcome = deps.planning.plan(deps.sizes, proposal, fence=task.fence)

    deps.publishing.publish()
    deps.pinned_intents.pin()
    return outcome
