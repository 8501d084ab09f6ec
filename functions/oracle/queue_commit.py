"""Commit to the values of one voting round: decide them, seal their opening, record the transaction in the outbox."""

from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.core.decision import commit_to, decide_values
from functions.oracle.wiring import Deps, build_submitter_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_submitter_deps)
def handler(task: Task[RoundTask], deps: Deps) -> Outcome:
    """The sealed opening commits together with the transaction, so that any later invocation can reveal."""
    voting_round, now = task.payload.voting_round, deps.clock.now()
    reward_epoch = deps.flare.reward_epoch_of(voting_round)
    feeds, reputations = deps.flare.feeds(reward_epoch), deps.repository.reputations()
    seen = deps.repository.window(now - deps.window, now)

    decisions = decide_values(feeds, seen.points, now, reputations, deps.anomalies.in_force())
    commitment = commit_to(decisions, submitter=deps.submitter, voting_round=voting_round, random=deps.dice())

    sealed = deps.openings.seal(voting_round, commitment.opening)
    intent = deps.intents.commit(voting_round, commitment.calldata, task.expires_at)
    return deps.rounds.record_commit(
        commitment, sealed, intent, decided_at=now, reward_epoch=reward_epoch, seen=seen, fence=task.fence
    )
