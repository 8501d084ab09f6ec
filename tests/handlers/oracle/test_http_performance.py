"""http_performance: how a provider does, as anybody may read it, over what a real chain showed."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.oracle.http_performance import app
from infra.local.flare.accounts import ETHER
from infra.local.flare.network import enter_reward_epoch
from kernel.handler.http import override_deps
from kernel.testing.asgi import AsgiClient
from tests.handlers.oracle.crowd import Crowd
from tests.handlers.oracle.whole_round import Stocked

pytestmark = pytest.mark.handlers

FEEDS = ("BTC/USD", "ETH/USD", "XRP/USD")
Crowded = Callable[..., Crowd]


def visitor(crowd: Crowd) -> AsgiClient:
    """Somebody without a key."""
    override_deps(app, crowd.ours.deps)
    return AsgiClient(app)


def two_reward_epochs(crowd: Crowd, stocked: Stocked) -> tuple[int, int]:
    """A round in each of two reward epochs; in the second more is delegated to us, and the last voter stays away."""
    first = crowd.honest_round(stocked)
    crowd.observe(first)
    crowd.delegate(crowd.stage.network.voters[0], 1_500_000 * ETHER)
    enter_reward_epoch(crowd.stage.network, 2)
    crowd.stage.at(2 * crowd.stage.network.timing.reward_epoch_rounds, 0)
    second = crowd.honest_round(stocked, absent=crowd.players[-1:])
    crowd.observe(second)
    return first, second


def earned(crowd: Crowd) -> None:
    """Store rewards of reward epoch 1: a third of them ours, of which penalties took some."""
    voters = [voter.identity.address.lower() for voter in crowd.stage.network.voters]
    with crowd.ours.kernel.postgres.transaction() as tx:
        tx.execute(
            "insert into oracle.reward_epochs (reward_epoch, first_round, last_round, state, offered_wei, burnt_wei, "
            "ours_wei, weight_based_claims) values (1, 240, 479, 'computed', 300, 0, 80, 1)"
        )
        for position, voter in enumerate(voters):
            tx.execute(
                "insert into oracle.reward_shares (reward_epoch, position, voter, is_ours, weight, median_weight, "
                "accuracy_wei, signing_wei, finalising_wei, updating_wei, penalty_wei, hits, possible, updates, "
                "all_updates, passes, is_rewarded) values (1, %(position)s, %(voter)s, %(ours)s, 1, 1, 60, 20, 10, 20, "
                "-10, 3, 3, 5, 20, 2, true)",
                position=position,
                voter=voter,
                ours=position == 0,
            )


def test_performance_by_reward_epoch(crowded: Crowded, stocked: Stocked) -> None:
    """Accuracy, conditions, faults, rewards, and what is delegated: its share and its growth, newest first."""
    crowd = crowded(4)
    _, second = two_reward_epochs(crowd, stocked)
    earned(crowd)

    page = visitor(crowd).get("/v1/oracle/performance").json()

    newer, older = page["reward_epochs"]
    assert (page["newest_round"], page["next_cursor"], page["alarms"]) == (second, None, [])
    assert (newer["reward_epoch"], newer["rounds_observed"], newer["rounds_finalised"]) == (2, 1, 1)
    assert (newer["voter"], newer["is_registered"], newer["faults"]) == (crowd.players[0].address, True, {})
    assert newer["faults_of_all"] == {"commit_missing": 1, "signature_missing": 1}
    assert 0 <= newer["accuracy"].pop("mean_deviation_ppm") < 5_000
    assert newer["accuracy"] == {"hits": 3, "possible": 3, "availability_ppm": 1_000_000, "votes": 3}
    assert newer["delegation"] == {
        "delegated_wei": str(1_500_000 * ETHER),
        "counted_wei": str(1_500_000 * ETHER),
        "share_ppm": 333_333,
        "growth_ppm": 500_000,
        "fee_bips": 2_000,
        "signing_weight": newer["delegation"]["signing_weight"],
        "signing_share_ppm": newer["delegation"]["signing_share_ppm"],
    }
    assert newer["rewards"] is None
    assert (older["delegation"]["share_ppm"], older["delegation"]["growth_ppm"]) == (250_000, None)
    assert older["conditions"] == {
        "is_available": True,
        "fast_updates": 5,
        "all_fast_updates": 20,
        "passes": 2,
        "is_rewarded": True,
    }
    assert older["rewards"] == {
        "state": "computed",
        "earned_wei": "110",
        "penalty_wei": "10",
        "share_ppm": 250_000,
        "claimable_wei": "80",
        "claimed_at": None,
    }

    # Who failed in the round, with the block up to which the chain was read.
    crowd.ours.deps.repository.remember_feeds(2, crowd.ours.deps.flare.feeds(2))
    told: dict[str, Any] = visitor(crowd).get(f"/oracle/rounds/{second}/faults").json()
    absent = crowd.players[-1].address

    assert (told["voting_round"], told["reward_epoch"], told["read_at_block"] > 0) == (second, 2, True)
    assert told["faults"] == [
        {"voter": absent, "fault": "commit_missing", "is_ours": False},
        {"voter": absent, "fault": "signature_missing", "is_ours": False},
    ]
    assert (told["our_hits"], told["our_possible"], set(told["our_deviations_ppm"])) == (3, 3, {*FEEDS})
    assert all(abs(ppm) < 5_000 for ppm in told["our_deviations_ppm"].values())

    # Another voter, page by page, in any letters; what is ours alone is not told of others.
    client, other = visitor(crowd), crowd.players[-1].submit.address
    first = client.get(f"/oracle/performance?voter={other}&limit=1").json()
    last = client.get(f"/oracle/performance?voter={other}&limit=1&cursor={first['next_cursor']}").json()
    newer, older = first["reward_epochs"][0], last["reward_epochs"][0]

    assert (newer["reward_epoch"], older["reward_epoch"], last["next_cursor"]) == (2, 1, None)
    assert (newer["faulty_rounds"], newer["faults"]) == (1, {"commit_missing": 1, "signature_missing": 1})
    assert (newer["accuracy"]["hits"], newer["conditions"]["is_available"]) == (0, False)
    assert (older["rewards"]["earned_wei"], older["rewards"]["claimable_wei"]) == ("110", None)


def test_what_was_not_observed_is_not_there(crowded: Crowded) -> None:
    """An empty page, and a round of which nothing is known."""
    client = visitor(crowded(1))

    assert client.get("/oracle/performance").json()["reward_epochs"] == []
    assert client.get("/oracle/rounds/1/faults").status_code == 404
    assert client.get("/oracle/performance?voter=0x12").status_code == 400
