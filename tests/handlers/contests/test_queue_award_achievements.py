"""queue_award_achievements: what a contest brings its players, each of it once."""

from collections.abc import Iterator

import pytest

from functions.contests import http_contests
from functions.contests.adapters.awarding import Awarding, gifts_of
from functions.contests.core.achievements import Field, Tier
from kernel.handler.http import override_deps
from kernel.testing.asgi import AsgiClient
from tests.handlers.contests.growth_stage import GrowthStage, wallet

pytestmark = pytest.mark.handlers

FIRST, SECOND, THIRD, FOURTH = 1, 2, 3, 4
TAKEN_PART, BRONZE, SILVER, GOLD = 100, 100, 250, 500


@pytest.fixture
def stage(database_url: str) -> Iterator[GrowthStage]:
    with GrowthStage.open(database_url) as stage:
        yield stage


def achievements(stage: GrowthStage, number: int) -> set[tuple[Field, Tier]]:
    """What a player has reached."""
    return {(one.field, one.tier) for one in stage.deps.experience.player(wallet(number)).achievements}


def test_a_contest_brings_experience_by_place(stage: GrowthStage) -> None:
    """Everybody who took part, three for their places, and the bronze of a first contest and a first victory."""
    contest = stage.play([FIRST, SECOND, THIRD, FOURTH])

    assert "done" == stage.award(contest)
    assert [1_000 + BRONZE, 500, 250, 0] == [stage.experience(n) - TAKEN_PART - BRONZE for n in range(1, 5)]
    assert {(Field.CONTESTS_ENTERED, Tier.BRONZE), (Field.CONTESTS_WON, Tier.BRONZE)} == achievements(stage, FIRST)


def test_what_was_given_is_not_given_again(stage: GrowthStage) -> None:
    """The worker died after its commit, and another one begins anew."""
    contest = stage.play([FIRST, SECOND])
    page = stage.deps.awarding.look(contest)
    stage.award(contest)
    before = [stage.experience(number) for number in (FIRST, SECOND)]

    with stage.kernel.postgres.transaction() as tx:
        given = stage.deps.experience.give(tx, gifts_of(page))
        achieved = stage.deps.experience.achieve(tx, page.totals)

    assert ({}, {}) == (given, achieved)
    assert before == [stage.experience(number) for number in (FIRST, SECOND)]


def test_three_victories_in_a_row_are_a_streak_and_a_lost_one_ends_it(stage: GrowthStage) -> None:
    """In the order in which contests ended."""
    for players in ([FIRST, SECOND], [FIRST, SECOND], [SECOND, FIRST], [FIRST, SECOND], [FIRST, SECOND]):
        stage.award(stage.play(players))
        stage.clock.advance(60)
    two_in_a_row = achievements(stage, FIRST)
    stage.award(stage.play([FIRST, SECOND]))

    assert (Field.CONSECUTIVE_WINS, Tier.BRONZE) in two_in_a_row
    assert {(Field.CONSECUTIVE_WINS, Tier.SILVER)} == achievements(stage, FIRST) - two_in_a_row


def test_profit_and_volume_count_in_whole_units(stage: GrowthStage) -> None:
    """A micro-unit less than a hundred is not a hundred; a loss is no profit."""
    stage.award(stage.play([FIRST], profit_micros=99_999_999, volume_micros=999_999_999))
    stage.award(stage.play([SECOND], profit_micros=-(10**9), volume_micros=10**9))
    almost = {field for field, _ in achievements(stage, FIRST)}
    stage.award(stage.play([FIRST], profit_micros=1, volume_micros=1))

    assert not almost & {Field.TOTAL_PROFIT, Field.VOLUME}
    assert {Field.TOTAL_PROFIT, Field.VOLUME} <= {field for field, _ in achievements(stage, FIRST)}
    assert {Field.VOLUME} == {field for field, _ in achievements(stage, SECOND)} - almost - {Field.CONTESTS_WON}


def test_a_contest_of_many_is_awarded_some_places_at_a_time(stage: GrowthStage) -> None:
    """Each page in a commit of its own; the last one ends the task."""
    deps = stage.deps
    deps.awarding = Awarding(deps.kernel.postgres, deps.tasks, deps.experience, stage.clock, at_once=3)
    contest = stage.play(range(1, 8))

    assert "done" == stage.award(contest)
    assert [{"next_place": 7}] == stage.rows("select next_place from contests.awards")
    assert 7 == len([number for number in range(1, 8) if stage.experience(number) >= TAKEN_PART])


def test_anybody_may_see_what_a_player_has(stage: GrowthStage) -> None:
    """Whoever never played is a novice without anything."""
    stage.award(stage.play([FIRST, SECOND]))
    override_deps(http_contests.app, stage.deps)
    visitor = AsgiClient(http_contests.app)

    first, stranger = (visitor.get(f"/v1/contests/players/{wallet(number)}").json() for number in (FIRST, FOURTH))

    assert (1_300, "apprentice") == (first["experience"], first["level"])
    assert [("contests_entered", "bronze"), ("contests_won", "bronze")] == [
        (one["field"], one["tier"]) for one in first["achievements"]
    ]
    assert (0, "novice", []) == (stranger["experience"], stranger["level"], stranger["achievements"])


def test_players_hear_what_they_have_reached(stage: GrowthStage) -> None:
    """On the topic that is theirs, in the commit that gives it."""
    stage.award(stage.play([FIRST, SECOND]))

    told = {topic: news for topic, news in stage.kernel.news.published if topic.startswith("user:")}
    mine = told[f"user:solana:{wallet(FIRST)}"]
    assert {f"user:solana:{wallet(number)}" for number in (FIRST, SECOND)} == set(told)
    assert ("apprentice", 1_300) == (mine["level"], mine["experience"])
