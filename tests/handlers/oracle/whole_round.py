"""A voting round of several providers, step by step, on the tests' clock."""

from collections.abc import Callable, Sequence

from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler as commit
from functions.oracle.queue_reveal import handler as reveal
from functions.oracle.queue_sign import handler as sign
from functions.oracle.queue_submit_transaction import handler as submit
from kernel.tasks import TaskRecord
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event

Stocked = Callable[[Provider], None]


def key(number: int) -> str:
    """The business key of a round's tasks."""
    return f"local:{number}"


def play_commits(stage: Stage, providers: Sequence[Provider], stocked: Stocked) -> int:
    """Everybody plans and commits; the round's number."""
    number = stage.first_round
    for provider in providers:
        plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    for provider in providers:
        stocked(provider)
        provider.run(commit, "oracle.commit", key(number))
        provider.submit_all(submit)
    return number


def play_reveals(stage: Stage, providers: Sequence[Provider], number: int) -> None:
    """These providers reveal in time."""
    stage.at(number + 1, 1)
    for provider in providers:
        provider.run(reveal, "oracle.reveal", key(number))
        provider.submit_all(submit)


def play_signatures(stage: Stage, providers: Sequence[Provider], number: int) -> list[TaskRecord]:
    """These providers compute the round and sign it."""
    stage.at(number + 1, 4)
    tasks = []
    for provider in providers:
        tasks.append(provider.run(sign, "oracle.sign", key(number)))
        provider.submit_all(submit)
    return tasks
