"""Finalise one voting round on the Relay, if nobody did and enough weight has signed."""

from functions.oracle.adapters.recovery import recover
from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.core.finalisation import decide_finalisation
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[RoundTask], deps: Deps) -> Outcome:
    """The drawn finalisers go first; after the grace period anyone. The task ends when the relay keeps the root."""
    rules = deps.settings.finalisation
    facts = deps.finalising.facts(deps.flare.network.voting_epoch(task.payload.voting_round))

    decision = decide_finalisation(facts, rules, recover)

    return deps.finalising.act(decision, facts, task, poll_s=rules.poll_s)
