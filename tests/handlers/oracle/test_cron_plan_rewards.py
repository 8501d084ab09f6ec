"""cron_plan_rewards: what a minute asks for, once."""

from collections.abc import Callable

import pytest

from tests.chain.oracle.reward_scene import RewardScene, tick
from tests.handlers.oracle.provider import Provider

pytestmark = pytest.mark.handlers

ASKED = "select kind, business_key from kernel.tasks order by kind, business_key"


def asked(provider: Provider) -> dict[str, list[int]]:
    with provider.kernel.postgres.transaction() as tx:
        rows = tx.all(ASKED)
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["kind"], []).append(int(row["business_key"].removeprefix("local:")))
    return {kind: sorted(numbers) for kind, numbers in found.items()}


def test_a_minute_asks_for_rounds_registration_and_ended_rewards(scene: Callable[..., RewardScene]) -> None:
    """Rounds from the reward epoch's start on; the registration that is open; nothing twice."""
    stage = scene()
    stage.at(5)
    stage.offer(2)
    provider = stage.provider()
    tick(provider)
    open_now = asked(provider)
    stage.close(2, 0, 1, 2, 3)
    stage.at(9)

    tick(provider)
    tick(provider)

    assert ([2], None) == (open_now["oracle.register"], open_now.get("oracle.sign_rewards"))
    assert 4 == open_now["oracle.record_round"][0]
    later = asked(provider)
    assert ([2], [1]) == (later["oracle.register"], later["oracle.sign_rewards"])
    assert list(range(4, later["oracle.record_round"][-1] + 1)) == later["oracle.record_round"]
