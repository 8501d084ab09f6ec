"""cron_plan_rounds: a minute in, the tasks of the coming rounds out."""

import pytest

from functions.oracle.cron_plan_rounds import handler
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event

pytestmark = pytest.mark.handlers


def planned(provider: Provider) -> list[tuple[str, str]]:
    with provider.kernel.postgres.transaction() as tx:
        rows = tx.all("select kind, business_key from kernel.tasks order by run_at, kind")
    return [(row["kind"], row["business_key"]) for row in rows]


def test_each_coming_round_gets_its_four_phases_at_their_seconds(stage: Stage) -> None:
    """Two minutes of rounds of eight seconds are planned, each phase at its offset."""
    provider = stage.provider()

    handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())

    number = stage.first_round
    kinds = {kind for kind, key in planned(provider) if key == f"local:{number}"}
    commit, reveal = (provider.task(f"oracle.{phase}", f"local:{number}") for phase in ("commit", "reveal"))
    assert kinds == {"oracle.commit", "oracle.reveal", "oracle.sign", "oracle.finalise"}
    assert commit.run_at.timestamp() == stage.network.round_start_s(number) + 3
    assert reveal.expires_at is not None
    assert reveal.expires_at.timestamp() == stage.network.round_start_s(number + 1) + 4


def test_planning_the_same_minute_twice_adds_nothing(stage: Stage) -> None:
    """EventBridge may fire twice."""
    provider = stage.provider()
    handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    once = planned(provider)

    handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())

    assert once == planned(provider)


def test_starting_late_in_a_round_still_catches_its_commit(stage: Stage) -> None:
    """A gap in the schedule costs no round whose window is still open; rounds that are over are not planned."""
    provider = stage.provider()
    number = stage.first_round
    stage.at(number, 3.5)

    handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())

    assert ("oracle.commit", f"local:{number}") in planned(provider)
    assert ("oracle.commit", f"local:{number - 1}") not in planned(provider)


def test_another_chain_behind_the_rpc_is_refused_with_the_remedy(stage: Stage) -> None:
    """A provider must never take part in a network that it was not configured for."""
    provider = stage.provider(chain_id=14)

    with pytest.raises(Exception, match=r"RPC endpoints belong to another chain.*Correct the RPC URLs or the chain id"):
        handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
