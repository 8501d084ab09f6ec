"""http_referrals: codes, clicks, whom they brought; and what becomes of a whole log of clicks."""

import random
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from kernel.ratelimit import Window
from tests.handlers.contests.growth_stage import SATURDAY, GrowthStage

pytestmark = pytest.mark.handlers

REFERRER, GUEST, OTHER = 1, 2, 3


@pytest.fixture
def stage(database_url: str) -> Iterator[GrowthStage]:
    with GrowthStage.open(database_url) as stage:
        yield stage


def test_a_wallet_keeps_its_code(stage: GrowthStage) -> None:
    """Eight letters that nobody mistakes; another wallet has another one."""
    codes = [stage.code(REFERRER), stage.code(REFERRER), stage.code(OTHER)]

    assert codes[0] == codes[1] != codes[2]
    assert (8, set()) == (len(codes[0]), set(codes[0]) & set("l01oAB"))


def test_a_click_that_is_told_twice_is_one(stage: GrowthStage) -> None:
    """The id is the visitor's: a browser that heard no answer tells it again."""
    code, click = stage.code(REFERRER), uuid4()

    answers = [stage.click(code, id_=click).status_code for _ in range(3)]

    assert [200, 200, 200] == answers
    assert [{"id": click}] == stage.rows("select id from contests.referral_clicks")


def test_a_code_that_nobody_has_is_unknown(stage: GrowthStage) -> None:
    answer = stage.click("aaaaaaaa")

    assert (404, "referral_code_unknown") == (answer.status_code, answer.json()["error"]["code"])


def test_an_address_clicks_a_hundred_times_in_a_quarter_of_an_hour(stage: GrowthStage) -> None:
    """Then it waits, and no row is written."""
    code = stage.code(REFERRER)
    for _ in range(99):
        stage.kernel.counter.check("address:203.0.113.7", 100, Window.QUARTER_HOUR)

    last, one_too_many = stage.click(code), stage.click(code)
    stage.clock.advance(1_800)
    later = stage.click(code)

    assert [200, 429, 200] == [last.status_code, one_too_many.status_code, later.status_code]
    assert 100 == one_too_many.json()["error"]["details"]["limit_per_quarter_hour"]
    assert [{"clicks": 2}] == stage.rows("select count(*)::integer as clicks from contests.referral_clicks")


def test_an_address_brings_ten_wallets_in_an_hour(stage: GrowthStage) -> None:
    """However many wallets one person makes."""
    code, clicks = stage.code(REFERRER), [uuid4() for _ in range(11)]
    for click in clicks:
        stage.click(code, id_=click)

    answers = [stage.attribute(10 + at, click).status_code for at, click in enumerate(clicks)]

    assert [*[200] * 10, 429] == answers


def test_a_wallet_is_referred_once_by_the_first_click(stage: GrowthStage) -> None:
    """Said again it is the same; another click, or another wallet for it, is refused."""
    mine, others = stage.code(REFERRER), stage.code(OTHER)
    first, second = uuid4(), uuid4()
    stage.click(mine, id_=first)
    stage.click(others, id_=second)

    answers = [stage.attribute(GUEST, first), stage.attribute(GUEST, first)]
    refused = [stage.attribute(GUEST, second), stage.attribute(4, first)]

    assert [(200, mine)] * 2 == [(one.status_code, one.json()["code"]) for one in answers]
    assert [(409, "referred_already")] * 2 == [(one.status_code, one.json()["error"]["code"]) for one in refused]


def test_nobody_refers_himself(stage: GrowthStage) -> None:
    click = uuid4()
    stage.click(stage.code(REFERRER), id_=click)

    assert (400, "referral_own") == told(stage, REFERRER, click)


def test_a_click_counts_for_thirty_days(stage: GrowthStage) -> None:
    """To the second."""
    code, clicks = stage.code(REFERRER), [uuid4(), uuid4()]
    for click in clicks:
        stage.click(code, id_=click)
    stage.clock.advance(30 * 86_400)

    in_time = stage.attribute(GUEST, clicks[0]).status_code
    stage.clock.advance(1)

    assert (200, (409, "click_too_old")) == (in_time, told(stage, OTHER, clicks[1]))


def test_a_click_that_was_never_told_refers_nobody(stage: GrowthStage) -> None:
    assert (404, "click_unknown") == told(stage, GUEST, uuid4())


def test_weeks_are_shown_by_source_to_their_referrer_alone(stage: GrowthStage) -> None:
    """The newest first, a page at a time; a conversion stands in the week of its entry."""
    code = stage.code(REFERRER)
    stage.referred(code, [10, 11], source="forum")
    stage.click(code, source="mail")
    stage.clock.set(SATURDAY)
    stage.enter([10])
    stage.clock.advance(1)
    stage.enter([11])

    first = stage.person(REFERRER).get("/v1/contests/referrals/weeks", params={"limit": 1}).json()
    before = {"limit": 1, "before": first["next_before"]}
    second = stage.person(REFERRER).get("/v1/contests/referrals/weeks", params=before).json()

    assert [("2026-11-22", [("forum", 0, 1)])] == shown(first)
    assert [("2026-11-15", [("forum", 2, 1), ("mail", 1, 0)])] == shown(second)
    assert ("2026-11-22", None) == (first["next_before"], second["next_before"])
    assert [] == stage.person(OTHER).get("/v1/contests/referrals/weeks").json()["weeks"]


def test_a_log_of_clicks_is_tracked_to_the_last_one(stage: GrowthStage, volume: Callable[[int, int], int]) -> None:
    """Replayed with double tellings and an outage of Redis in the middle: browsers tell again what nobody confirmed."""
    dice, codes = random.Random(20261121), [stage.code(number) for number in range(5)]
    log = [(UUID(int=dice.getrandbits(128)), dice.choice(codes)) for _ in range(volume(500, 20_000))]
    unheard = []
    for at, (click, code) in enumerate(log):
        stage.clock.advance(10)
        stage.kernel.counter.down = len(log) // 3 < at < len(log) // 2
        answers = [stage.click(code, id_=click).status_code for _ in range(1 + (dice.random() < 0.1))]
        unheard += [(click, code)] if set(answers) != {200} else []
    stage.kernel.counter.down = False
    for click, code in unheard:
        stage.clock.advance(10)
        assert 200 == stage.click(code, id_=click).status_code

    [tracked] = stage.rows("select count(*)::integer as clicks from contests.referral_clicks")
    assert (len(log), True) == (tracked["clicks"], len(unheard) > len(log) // 8)


def told(stage: GrowthStage, number: int, click: UUID) -> tuple[int, str]:
    """Status and error of an attribution."""
    answer = stage.attribute(number, click)
    return answer.status_code, answer.json()["error"]["code"]


def shown(page: dict[str, Any]) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """Weeks with their sources."""
    return [
        (week["week"], [(one["source"], one["clicks"], one["conversions"]) for one in week["sources"]])
        for week in page["weeks"]
    ]
