"""A provider dies with everything it had in memory; the next process goes on from what was committed."""

import pytest

from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler as commit
from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.demo.sightings import Bystander
from tests.handlers.oracle.provider import Context, Stage, scheduled_event
from tests.handlers.oracle.whole_round import Stocked, key, play_commits, play_reveals

pytestmark = pytest.mark.crash


def test_a_reborn_provider_reveals_what_the_dead_one_committed(
    stage: Stage, stocked: Stocked, bystander: Bystander
) -> None:
    """The process that committed is gone with its memory; the reveal opens its commit all the same."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)
    stored = provider.deps.rounds.submission(number)
    assert stored is not None
    opening = provider.deps.openings.open(number, bytes(stored.sealed))

    play_reveals(stage, [provider.reborn()], number)
    bystander.look()

    payload = bystander.of("reveal", number)[provider.voter.name].payload
    assert payload == opening.random.to_bytes(32, "big") + opening.feed_values


def test_a_reborn_provider_sends_the_committed_bytes_and_no_others(
    stage: Stage, stocked: Stocked, bystander: Bystander
) -> None:
    """The first process dies after sending; the second one finds its bytes by their hash and signs nothing new."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    stocked(provider)
    provider.run(commit, "oracle.commit", key(number))
    business_key = provider.deps.intents.business_key("commit", number)
    provider.run(submit, "oracle.submit_transaction", business_key)
    stage.clock.advance(1)

    provider.reborn().run(submit, "oracle.submit_transaction", business_key)
    bystander.look()

    entry = provider.deps.outbox.entry(business_key)
    assert entry is not None
    assert len(entry.payloads) == 1
    assert [sighting.step for sighting in bystander.sightings] == ["commit"]
