"""Sign the result of one voting round: compute it from the chain alone and deposit our signature."""

from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[RoundTask], deps: Deps) -> Outcome:
    """All reads are made at one head, which is stored with the result. A round without a result is not signed."""
    voting_round = deps.flare.network.voting_epoch(task.payload.voting_round)
    outcome = deps.evidence.outcome(voting_round, deps.flare.head())

    signature = deps.policy_signature(outcome.message) if outcome.message else None

    intent = deps.intents.deposit(voting_round.number, signature, task.expires_at) if signature else None
    return deps.rounds.record_result(outcome, intent, fence=task.fence)
