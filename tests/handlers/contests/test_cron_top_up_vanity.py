"""cron_top_up_vanity: as many searches as addresses are missing, each for a key that only we can open."""

from collections.abc import Iterator

import pytest

from tests.handlers.contests.custody import Custody

pytestmark = pytest.mark.handlers
JOBS = "select state, reason, opening is not null as sealed, recipient from contests.vanity_jobs order by asked_at, id"
TWO = (
    '[{"letters": "z", "place": "suffix", "is_case_sensitive": true, "target": %d},'
    ' {"letters": "D", "place": "prefix", "is_case_sensitive": true, "target": %d}]'
)


@pytest.fixture
def custody(database_url: str) -> Iterator[Custody]:
    """Three addresses are wanted."""
    with Custody.open(database_url) as (custody, _):
        yield custody


def states(custody: Custody) -> list[str]:
    return [row["state"] for row in custody.rows(JOBS)]


def test_what_is_missing_is_searched_for(custody: Custody) -> None:
    """Each search has a pair of its own, whose private half is sealed; a second turn asks for nothing more."""
    custody.top_up()
    custody.top_up()

    rows = custody.rows(JOBS)
    assert [(row["state"], row["sealed"]) for row in rows] == [("processing", True)] * 3
    assert len({bytes(row["recipient"]) for row in rows}) == 3
    [job, *_] = custody.rows("select function, arguments, then_kind from kernel.offload_jobs order by business_key")
    assert (job["function"], job["then_kind"]) == ("vanity_key", "contests.collect_vanity")
    assert sorted(job["arguments"]) == ["is_case_sensitive", "letters", "place", "recipient", "tries_max"]


def test_so_many_are_under_way_at_once(database_url: str) -> None:
    """The others wait, and go when one has ended."""
    with Custody.open(database_url, vanity_patterns=TWO % (5, 4)) as (custody, _):
        custody.top_up()
        first = sorted(states(custody))
        custody.grind()
        custody.collect()
        custody.top_up()

        assert first == ["pending"] * 5 + ["processing"] * 4
        assert sorted(states(custody)) == ["completed"] * 4 + ["pending"] + ["processing"] * 4
        custody.grind()
        custody.collect()
        custody.fill_pool()
        amounts = custody.rows("select letters, count(*) as n from contests.vanity_pool group by letters order by 1")
        assert [tuple(row.values()) for row in amounts] == [("D", 4), ("z", 5)]


def test_what_nobody_tells_of_for_half_an_hour_is_given_up(custody: Custody) -> None:
    """Its opening is erased, and another search takes its place."""
    custody.top_up()
    custody.clock.advance(1_799)
    custody.top_up()
    before = states(custody)
    custody.clock.advance(1)
    custody.top_up()

    assert before == ["processing"] * 3
    rows = custody.rows(JOBS)
    assert [(row["state"], row["sealed"]) for row in rows] == [("failed", False)] * 3 + [("processing", True)] * 3
    assert {row["reason"] for row in rows[:3]} == {"nobody told of its end"}


def test_what_nobody_needs_any_more_is_cancelled(database_url: str) -> None:
    """Those that wait; what is under way may find one more."""
    with Custody.open(database_url, vanity_patterns=TWO % (9, 0)) as (custody, _):
        custody.top_up()
        custody.settings = custody.settings.model_copy(update={"vanity_patterns": TWO % (6, 1)})
        custody.top_up()

        rows = custody.rows(
            "select letters, state, count(*) as n from contests.vanity_jobs group by 1, 2 order by 1, 2"
        )
        assert [tuple(row.values()) for row in rows] == [
            ("D", "pending", 1),
            ("z", "cancelled", 3),
            ("z", "pending", 2),
            ("z", "processing", 4),
        ]
