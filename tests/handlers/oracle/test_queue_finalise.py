"""queue_finalise: enough weight of signatures goes to the Relay, once."""

import pytest

from functions.oracle.adapters.price_views import round_view
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.queue_finalise import handler
from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.demo.oracle import proven_feeds
from infra.local.demo.sightings import Bystander
from infra.local.flare.reading import verify_feed
from tests.handlers.oracle.provider import Provider, Stage
from tests.handlers.oracle.whole_round import Stocked, key, play_commits, play_reveals, play_signatures

pytestmark = pytest.mark.handlers


def signed_round(stage: Stage, stocked: Stocked, signers: int) -> tuple[list[Provider], int]:
    """A round that the first `signers` providers have signed."""
    providers = stage.everyone()
    number = play_commits(stage, providers, stocked)
    play_reveals(stage, providers, number)
    play_signatures(stage, providers[:signers], number)
    return providers, number


def drawn(providers: list[Provider], number: int) -> Provider:
    """The provider that the policy's seed lets go first."""
    policy = providers[0].deps.flare.electorate(1).policy
    address = draw_finalisers(policy, number)[0]
    return next(p for p in providers if p.voter.signing_policy.address.lower() == address)


def test_the_drawn_finaliser_brings_the_root_to_the_relay(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """The relay keeps exactly the root that everybody computed, and consumers can prove every feed against it."""
    providers, number = signed_round(stage, stocked, signers=4)
    chosen = drawn(providers, number)
    stage.at(number + 1, 5)

    chosen.run(handler, "oracle.finalise", key(number))
    chosen.submit_all(submit)
    stage.clock.advance(1)
    task = chosen.run(handler, "oracle.finalise", key(number))
    bystander.look()

    result, sent = chosen.deps.rounds.result(number), chosen.deps.outbox.entry(f"oracle:local:{number}:finalise")
    assert result is not None
    assert sent is not None
    view = round_view(number, None, result).model_dump()
    assert chosen.deps.flare.finalised_root(number) == bytes(result.merkle_root or b"")
    assert [verify_feed(stage.network, feed) for feed in proven_feeds(view)] == [True] * 3
    assert (task.state, list(bystander.of("finalise", number))) == ("done", [chosen.voter.name])
    # Within the grace period the networks pay nobody but the signing-policy address.
    assert sent.signer == chosen.voter.signing_policy.address


def test_the_others_wait_for_the_grace_period(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """Who was not drawn looks again after the grace period, and then goes if nobody has."""
    providers, number = signed_round(stage, stocked, signers=4)
    other = next(p for p in providers if p is not drawn(providers, number))
    stage.at(number + 1, 5)

    waiting = other.run(handler, "oracle.finalise", key(number))
    other.submit_all(submit)
    bystander.look()
    early = bystander.of("finalise", number)
    stage.at(number + 1, 6)
    other.run(handler, "oracle.finalise", key(number))
    other.submit_all(submit)
    bystander.look()

    assert (waiting.state, early) == ("ready", {})
    assert list(bystander.of("finalise", number)) == [other.voter.name]


def test_half_of_the_weight_is_not_enough(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """Two of four equal voters are at the threshold, not above it: nothing is sent."""
    providers, number = signed_round(stage, stocked, signers=2)
    stage.at(number + 1, 6)

    task = providers[0].run(handler, "oracle.finalise", key(number))
    providers[0].submit_all(submit)
    bystander.look()

    assert (task.state, bystander.of("finalise", number)) == ("ready", {})


def test_a_round_that_somebody_else_finalised_is_left_alone(
    stage: Stage, stocked: Stocked, bystander: Bystander
) -> None:
    """The relay's answer is read before anything is sent."""
    providers, number = signed_round(stage, stocked, signers=4)
    stage.at(number + 1, 6)
    providers[0].run(handler, "oracle.finalise", key(number))
    providers[0].submit_all(submit)

    task = providers[1].run(handler, "oracle.finalise", key(number))
    providers[1].submit_all(submit)
    bystander.look()

    assert task.state == "done"
    assert list(bystander.of("finalise", number)) == [providers[0].voter.name]


def test_finalising_twice_records_one_transaction(stage: Stage, stocked: Stocked) -> None:
    """A second look while our transaction is on its way sends no other."""
    providers, number = signed_round(stage, stocked, signers=4)
    stage.at(number + 1, 6)
    providers[0].run(handler, "oracle.finalise", key(number))

    stage.clock.advance(1)
    providers[0].run(handler, "oracle.finalise", key(number))

    recorded = providers[0].one("select count(*) as n from kernel.evm_outbox where business_key like '%%finalise'")
    assert recorded["n"] == 1


def test_a_round_without_a_result_is_skipped(stage: Stage, stocked: Stocked) -> None:
    """Nobody revealed: there is no root to wait for, so the task does not look again until its window closes."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)
    play_signatures(stage, [provider], number)
    stage.at(number + 1, 6)

    task = provider.run(handler, "oracle.finalise", key(number))

    assert task.state == "skipped"


def test_a_root_that_differs_from_ours_alarms(stage: Stage, stocked: Stocked) -> None:
    """The round is finalised all the same; that we would have signed something else is for an operator."""
    providers, number = signed_round(stage, stocked, signers=4)
    stage.at(number + 1, 6)
    providers[0].run(handler, "oracle.finalise", key(number))
    providers[0].submit_all(submit)
    with providers[1].kernel.postgres.transaction() as tx:
        tx.execute("update oracle.rounds set merkle_root = %(other)s", other=b"\x01" * 32)

    task = providers[1].run(handler, "oracle.finalise", key(number))

    submission = providers[1].deps.history.submission(number)
    assert (task.state, task.error_code) == ("parked", "root_differs")
    assert submission is not None
    assert submission.finalised_at is not None
