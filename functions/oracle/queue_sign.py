"""Sign the result of one voting round: compute it from the chain alone and deposit our signature."""

from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Retry, Task


@task_handler(build_submitter_deps)
def handler(task: Task[RoundTask], deps: Deps) -> Outcome:
    """All reads are made at one head, which is stored with the result. A round without a result is not signed."""
    voting_round, head = deps.flare.network.voting_epoch(task.payload.voting_round), deps.flare.head()
    if head.time_s < voting_round.next.reveal_deadline_s:
        return Retry(deps.settings.finalise_poll_s, "a later block may still hold a reveal")
    outcome = deps.evidence.outcome(voting_round, head)

    signature = deps.policy_signature(outcome.message) if outcome.message else None

    intent = deps.intents.deposit(voting_round.number, signature, task.expires_at) if signature else None
    return deps.rounds.record_result(outcome, intent, fence=task.fence)
