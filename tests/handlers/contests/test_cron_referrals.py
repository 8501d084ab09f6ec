"""cron_referrals: conversions go into their weeks once, and each tier of a week is rewarded once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.contests.adapters.experience import Experience
from functions.contests.adapters.referrals import Referrals
from functions.contests.wiring import ROLE
from kernel.postgres import Postgres
from tests.handlers.contests.growth_stage import SATURDAY, GrowthStage, wallet

pytestmark = pytest.mark.handlers

REFERRER = 1
BRONZE = 100  # of the first conversion, in the field of referrals
SILVER = 250  # of the fifth


@pytest.fixture
def stage(database_url: str) -> Iterator[GrowthStage]:
    with GrowthStage.open(database_url) as stage:
        yield stage


def test_a_tier_is_rewarded_when_a_week_reaches_it(stage: GrowthStage) -> None:
    """Four conversions earn nothing but the achievement, the fifth ten points."""
    stage.referred(stage.code(REFERRER), range(10, 15))
    stage.enter(range(10, 14))
    stage.count()
    before = stage.experience(REFERRER)
    stage.enter([14])
    stage.count()

    assert (BRONZE, BRONZE + SILVER + 10) == (before, stage.experience(REFERRER))


def test_points_of_referrals_are_given_once_however_often_it_runs(stage: GrowthStage) -> None:
    """Every run gave them again, elsewhere."""
    stage.referred(stage.code(REFERRER), range(10, 25))
    stage.enter(range(10, 25))
    stage.count()
    first = stage.experience(REFERRER)

    for _ in range(3):
        stage.clock.advance(300)
        stage.count()

    assert first == stage.experience(REFERRER) == BRONZE + SILVER + 10 + 30
    assert [5, 15] == [row["conversions"] for row in stage.rows("select conversions from contests.referral_rewards")]


def test_a_week_ends_on_saturday_at_midnight(stage: GrowthStage) -> None:
    """Four before and four after are no eight."""
    stage.referred(stage.code(REFERRER), range(10, 18))
    stage.enter(range(10, 14))
    stage.clock.advance(1)
    stage.enter(range(14, 18))
    stage.count()

    assert [] == stage.rows("select * from contests.referral_rewards")
    assert BRONZE + SILVER == stage.experience(REFERRER)


def test_only_a_first_entry_is_a_conversion(stage: GrowthStage) -> None:
    """And only of a wallet that was referred before it."""
    code = stage.code(REFERRER)
    stage.enter([9])
    stage.referred(code, [9, 10])
    for _ in range(2):
        stage.enter([10, 11])
    stage.count()

    assert [wallet(10)] == [row["wallet"] for row in stage.rows("select wallet from contests.referral_conversions")]


def test_two_who_count_at_once_reward_once(stage: GrowthStage, database_url: str) -> None:
    """Each takes other conversions of the same week; whoever is last sees them all."""
    stage.referred(stage.code(REFERRER), range(10, 40))
    stage.enter(range(10, 40))

    def count(_: int) -> int:
        postgres = Postgres(database_url, role=ROLE)
        referrals = Referrals(postgres, Experience(postgres, stage.kernel.news, stage.clock), stage.clock, at_once=4)
        counted = sum(iter(referrals.count, 0))
        postgres.close()
        return counted

    with ThreadPoolExecutor(4) as workers:
        counted = sum(workers.map(count, range(4)))

    rewards = stage.rows("select conversions, points from contests.referral_rewards order by conversions")
    assert (30, [(5, 10), (15, 30), (30, 60)]) == (counted, [(one["conversions"], one["points"]) for one in rewards])
    assert BRONZE + SILVER + 500 + 10 + 30 + 60 == stage.experience(REFERRER)
    assert stage.clock.now() == SATURDAY
