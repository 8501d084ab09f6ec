"""queue_reveal: what was committed is opened, by whoever is alive."""

import pytest

from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_reveal import handler
from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.demo.sightings import Bystander
from tests.handlers.oracle.provider import Context, Stage, scheduled_event
from tests.handlers.oracle.whole_round import Stocked, key, play_commits

pytestmark = pytest.mark.handlers


def test_without_a_commit_there_is_nothing_to_reveal(stage: Stage) -> None:
    """A provider that missed the commit stays silent: a reveal alone would only cost gas."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number + 1, 1)

    task = provider.run(handler, "oracle.reveal", key(number))

    assert (task.state, task.error) == ("skipped", "we did not commit in this round")


def test_after_the_deadline_nothing_is_revealed(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """A late reveal does not count, so it is not sent; the task keeps the record."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)
    stage.at(number + 1, 4)

    task = provider.run(handler, "oracle.reveal", key(number))
    provider.submit_all(submit)
    bystander.look()

    assert (task.state, task.error_code) == ("skipped", "expired")
    assert bystander.of("reveal", number) == {}


def test_a_foreign_opening_is_refused(stage: Stage, stocked: Stocked) -> None:
    """A sealed opening moved to another round does not open: the round is part of its seal."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)
    with provider.kernel.postgres.transaction() as tx:
        tx.execute("update oracle.submissions set voting_round = voting_round + 1")
    stage.at(number + 2, 1)

    task = provider.run(handler, "oracle.reveal", key(number + 1))

    assert (task.state, task.error_code) == ("parked", "wrong_key_context")


def test_a_reveal_outlives_whoever_dies_after_recording_it(stage: Stage, stocked: Stocked) -> None:
    """A further message about its transaction is out before the commit, and comes while the window is open."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)
    stage.at(number + 1, 1)
    before = len(provider.kernel.queue.sent)

    provider.run(handler, "oracle.reveal", key(number))

    sent = [(message.queue, message.delay_s) for message in provider.kernel.queue.sent[before:]]
    assert sent == [("oracle-submit-transaction", 2), ("oracle-submit-transaction", 0)]
