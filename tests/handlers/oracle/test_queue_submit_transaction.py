"""queue_submit_transaction: one recorded transaction goes onto the chain, once, whatever happens to messages."""

import pytest

from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler as commit
from functions.oracle.queue_submit_transaction import handler
from infra.local.demo.sightings import Bystander
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event
from tests.handlers.oracle.whole_round import Stocked, key

pytestmark = pytest.mark.handlers


def recorded(stage: Stage, stocked: Stocked) -> tuple[Provider, str]:
    """A provider whose commit is recorded and not yet sent; its transaction's key."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    stocked(provider)
    provider.run(commit, "oracle.commit", key(number))
    return provider, provider.deps.intents.business_key("commit", number)


def test_a_transaction_is_confirmed_and_its_task_ends(stage: Stage, stocked: Stocked) -> None:
    """One look sends, the next one finds it final."""
    provider, business_key = recorded(stage, stocked)
    provider.run(handler, "oracle.submit_transaction", business_key)
    stage.clock.advance(1)

    task = provider.run(handler, "oracle.submit_transaction", business_key)

    entry = provider.deps.outbox.entry(business_key)
    assert entry is not None
    assert (task.state, str(entry.state)) == ("done", "confirmed")


def test_a_commit_that_is_too_late_is_never_sent(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """Its nonce is used by a cancellation, so that the reveal of the next round is not held up."""
    provider, business_key = recorded(stage, stocked)
    stage.at(stage.first_round, 0)

    provider.run(handler, "oracle.submit_transaction", business_key)
    stage.clock.advance(1)
    provider.run(handler, "oracle.submit_transaction", business_key)
    bystander.look()

    entry = provider.deps.outbox.entry(business_key)
    assert entry is not None
    assert (str(entry.state), bystander.sightings) == ("cancelled", [])
