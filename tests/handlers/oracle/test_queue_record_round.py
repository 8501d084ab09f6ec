"""queue_record_round: what a round's rewards follow from."""

from collections.abc import Callable

import pytest

from infra.local.flare.accounts import DevAccount
from tests.chain.oracle.reward_scene import RewardScene, outcome, tick, work
from tests.chain.oracle.voting import Ballot, Conduct

pytestmark = pytest.mark.handlers

RECORD = "oracle.record_round"


def test_a_round_is_recorded_as_the_chain_shows_it(scene: Callable[..., RewardScene]) -> None:
    """Who revealed, withheld, signed and relayed: all without having taken part, and read at one head."""
    stage = scene()
    conduct = Conduct(withheld=[3], unsigned=[2], relayer=lambda ballot, _: stranger(ballot), relay_at_s=7)
    stage.ballot(conducts={4: conduct}).play(4, 4)
    stage.at(6, 4)
    provider = stage.provider()
    tick(provider)

    work(provider, RECORD)

    found = provider.deps.rewards.store.rounds(4, 4, 3)[4]
    voters = stage.network.voters
    assert [0, 1, 2] == sorted(found.votes)
    assert {voters[3].submit.address.lower()} == found.offenders
    assert {(0, 4), (1, 4), (3, 4)} == {(deposit.position, deposit.at_s) for deposit in found.deposits}
    assert {found.finalised_hash} == {deposit.message_hash for deposit in found.deposits}
    assert [(stage.network.governance.address.lower(), 7, True)] == [tuple(sent) for sent in found.finalisations]
    assert found.random is not None
    assert not found.random.is_secure


def test_a_round_whose_window_is_open_is_not_recorded(scene: Callable[..., RewardScene]) -> None:
    """The chain's clock decides, not ours."""
    stage = scene()
    stage.ballot().play(4, 4)
    provider = stage.provider()
    tick(provider)
    stage.clock.advance(60)

    work(provider, RECORD)

    assert "ready" == outcome(provider, RECORD, 4).state
    assert {} == provider.deps.rewards.store.randoms(4, 4)


def stranger(ballot: Ballot) -> DevAccount:
    return ballot.network.governance
