"""Reveal what was committed to in one voting round: open the sealed values and record the transaction."""

from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.core.decision import reveal_calldata
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Skipped, Task


@task_handler(build_submitter_deps)
def handler(task: Task[RoundTask], deps: Deps) -> Outcome:
    """Whoever made the commit may be dead; the sealed opening is all that is needed."""
    voting_round = task.payload.voting_round
    submission = deps.rounds.submission(voting_round)
    if submission is None:
        return Skipped("we did not commit in this round")

    opening = deps.openings.open(voting_round, submission.sealed)

    intent = deps.intents.reveal(voting_round, reveal_calldata(voting_round, opening), task.expires_at)
    return deps.rounds.record_reveal(voting_round, intent, fence=task.fence)
