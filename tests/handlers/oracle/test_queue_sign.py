"""queue_sign: the round as the chain shows it, computed and signed."""

import pytest

from functions.oracle.queue_sign import handler
from infra.local.demo.sightings import Bystander
from tests.handlers.oracle.provider import Stage
from tests.handlers.oracle.whole_round import Stocked, key, play_commits, play_reveals, play_signatures

pytestmark = pytest.mark.handlers


def test_all_providers_compute_the_same_root(stage: Stage, stocked: Stocked) -> None:
    """The result follows from the chain alone, so everybody signs the same message."""
    providers = stage.everyone()
    number = play_commits(stage, providers, stocked)
    play_reveals(stage, providers, number)

    play_signatures(stage, providers, number)

    results = [provider.deps.rounds.result(number) for provider in providers]
    assert len({result.merkle_root for result in results if result is not None}) == 1
    assert all(result is not None and result.is_secure_random for result in results)


def test_a_silent_provider_is_an_offender_and_the_random_not_secure(stage: Stage, stocked: Stocked) -> None:
    """Who commits and does not reveal is named in the result, and the round goes on without it."""
    providers = stage.everyone()
    number = play_commits(stage, providers, stocked)
    play_reveals(stage, providers[:3], number)

    play_signatures(stage, providers[:1], number)

    result = providers[0].deps.rounds.result(number)
    assert result is not None
    assert result.offenders == [providers[3].voter.submit.address.lower()]
    assert (result.is_secure_random, len(result.medians)) == (False, 3)


def test_an_offender_stays_benched_in_the_next_round(stage: Stage, stocked: Stocked) -> None:
    """Its values still count; its random number does not, and what it spoils no longer matters."""
    providers = stage.everyone()
    first = play_commits(stage, providers, stocked)
    play_reveals(stage, providers[:3], first)
    play_signatures(stage, providers[:1], first)
    second = play_commits(stage, providers, stocked)
    play_reveals(stage, providers[:3], second)

    # The newcomer has not computed the first round; it reads from the chain who offended there.
    play_signatures(stage, [providers[0], providers[2]], second)

    results = [provider.deps.rounds.result(second) for provider in (providers[0], providers[2])]
    assert all(result is not None and result.is_secure_random for result in results)
    assert len({result.random for result in results if result is not None}) == 1


def test_before_the_last_reveal_block_nothing_is_computed(stage: Stage, stocked: Stocked) -> None:
    """While the chain's head is before the deadline a reveal may still come: the task looks again."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)
    play_reveals(stage, [provider], number)
    stage.clock.advance(3.5)

    task = provider.run(handler, "oracle.sign", key(number))

    assert (task.state, provider.deps.rounds.result(number)) == ("ready", None)


def test_a_round_without_valid_reveals_is_not_signed(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """There is no result to sign; the offenders are recorded."""
    provider = stage.provider()
    number = play_commits(stage, [provider], stocked)

    tasks = play_signatures(stage, [provider], number)
    bystander.look()

    result = provider.deps.rounds.result(number)
    assert [task.state for task in tasks] == ["done"]
    assert result is not None
    assert (result.merkle_root, result.offenders) == (None, [provider.voter.submit.address.lower()])
    assert bystander.of("sign", number) == {}
