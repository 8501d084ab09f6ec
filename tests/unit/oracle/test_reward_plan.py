"""What a minute asks for about rewards."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.oracle.core.epochs import FLARE
from functions.oracle.core.reward_plan import (
    RECORD,
    REGISTER,
    SIGN,
    Planned,
    RewardCalendar,
    plan_claims,
    plan_rewards,
    recordable_at,
)

pytestmark = pytest.mark.unit

NOW = FLARE.voting_epoch(1_000_000).start + timedelta(seconds=30)


def calendar(**changes: object) -> RewardCalendar:
    given: dict[str, object] = {
        "network": FLARE,
        "reward_epoch": 297,
        "first_reward_epoch": 295,
        "first_round": 900_000,
        "is_registration_open": False,
        **changes,
    }
    return RewardCalendar(**given)  # type: ignore[arg-type]  # fields by name


def planned(kind: str, **changes: object) -> list[Planned]:
    found = plan_rewards(calendar(**changes), NOW, NOW + timedelta(minutes=2))
    return [one for one in found if one.kind == kind]


def test_rounds_are_recorded_when_their_window_has_closed() -> None:
    """A quarter of an hour back, and as far as the plan reaches; each three seconds after the next epoch's end."""
    records = planned(RECORD)

    assert list(range(999_988, 1_000_000)) == [one.payload["voting_round"] for one in records]
    assert {"flare:999999"} == {one.business_key for one in records if one.payload == {"voting_round": 999_999}}
    assert FLARE.voting_epoch(1_000_001).start + timedelta(seconds=3) == records[-1].run_at
    assert records[-1].run_at < NOW + timedelta(minutes=2)


def test_no_round_before_the_first_policy_is_recorded() -> None:
    """Nobody voted in it."""
    assert [999_998, 999_999] == [one.payload["voting_round"] for one in planned(RECORD, first_round=999_998)]


def test_an_open_registration_is_asked_for() -> None:
    """For the next reward epoch, now."""
    assert [] == planned(REGISTER)
    [found] = planned(REGISTER, is_registration_open=True)
    assert ("flare:298", {"reward_epoch": 298}, NOW) == (found.business_key, found.payload, found.run_at)


def test_the_last_two_ended_reward_epochs_are_asked_for() -> None:
    """Not the running one, and none without voters."""
    assert [295, 296] == [one.payload["reward_epoch"] for one in planned(SIGN)]
    assert [296] == [one.payload["reward_epoch"] for one in planned(SIGN, first_reward_epoch=296)]


def test_claims_are_asked_for_at_once() -> None:
    """Under the reward epoch's key."""
    assert Planned("oracle.claim_rewards", "flare:296", {"reward_epoch": 296}, NOW) == plan_claims(FLARE, 296, NOW)


def test_a_round_is_recordable_once_the_next_epoch_is_over() -> None:
    """Signatures and finalisations count until then."""
    assert datetime(2022, 7, 21, 19, 3, 3, tzinfo=UTC) == recordable_at(FLARE.voting_epoch(0))
