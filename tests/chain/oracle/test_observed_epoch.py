"""A reward epoch observed round by round, beside the rewards that were computed of it: two readings of one chain."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.oracle.adapters.performance_views import page
from functions.oracle.queue_observe import handler
from tests.chain.oracle.reward_scene import RewardScene, tick, work
from tests.chain.oracle.voting import Conduct
from tests.handlers.oracle.provider import Provider

pytestmark = pytest.mark.chain

COMPARED = """
select voter.position, voter.hits, voter.possible, share.hits as rewarded_hits, share.possible as rewarded_possible
from oracle.voters voter
join oracle.reward_shares share on share.reward_epoch = voter.reward_epoch and share.voter = voter.identity
order by voter.position
"""
FAULTS = "select voting_round, submit_address, fault from oracle.faults order by 1, 3, 2"


def observe(provider: Provider, rounds: range) -> None:
    """Ask for these rounds, and look at each."""
    deps = provider.deps
    deps.observatory.observations.ask([deps.flare.network.voting_epoch(number) for number in rounds])
    for number in rounds:
        provider.run(handler, "oracle.observe", f"local:{number}")


def rows(provider: Provider, sql: str) -> list[dict[str, Any]]:
    with provider.kernel.postgres.transaction() as tx:
        return [dict(row) for row in tx.all(sql)]


def test_observation_and_rewards_agree_about_a_whole_reward_epoch(scene: Callable[..., RewardScene]) -> None:
    """Hits, possible hits, and who failed; ours of it with its rewards and their share."""
    stage = scene()
    first = stage.first_round
    conducts = {
        first + 1: Conduct(withheld=[3]),
        first + 2: Conduct(unsigned=[2]),
        first + 3: Conduct(silent=[0]),
    }
    stage.ballot(conducts=conducts).play(first, first + 5, {first + 2: lambda: stage.enter(2)})
    stage.at(first + 7)
    provider = stage.provider(0)
    tick(provider)
    work(provider, "oracle.record_round")
    work(provider, "oracle.sign_rewards")

    observe(provider, range(first, first + 4))

    compared = rows(provider, COMPARED)
    voters = [voter.submit.address.lower() for voter in stage.network.voters]
    assert [(row["hits"], row["possible"]) for row in compared] == [
        (row["rewarded_hits"], row["rewarded_possible"]) for row in compared
    ]
    assert {row["possible"] for row in compared} == {12}
    assert len({row["hits"] for row in compared}) > 1
    assert [tuple(row.values()) for row in rows(provider, FAULTS)] == [
        (first + 1, voters[3], "reveal_missing"),
        (first + 2, voters[2], "signature_missing"),
        (first + 3, voters[0], "commit_missing"),
    ]
    [ours] = page(provider.deps.observatory.performance.page(None, below=None, limit=5)).reward_epochs
    assert (ours.voter, ours.faults, ours.rounds_finalised) == (voters[0], {"commit_missing": 1}, 4)
    assert ours.rewards is not None
    assert ours.conditions is not None
    assert int(ours.rewards.earned_wei) > 0
    assert 0 < (ours.rewards.share_ppm or 0) < 1_000_000
    assert (ours.rewards.penalty_wei, ours.rewards.state) == ("0", "computed")
    assert ours.conditions.is_rewarded is not None
