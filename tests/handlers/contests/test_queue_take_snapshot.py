"""queue_take_snapshot: what every portfolio is worth, every 15 seconds."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.life_steps import SNAPSHOT
from tests.handlers.contests.duel import ALICE, BOB, GOLD, SALT, Duel

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def stored(duel: Duel) -> list[tuple[int, list[int], list[int], str | None]]:
    """Numbers, values, counts and reasons."""
    rows = duel.rows("select number, values_micros, in_profit, reason from contests.snapshots order by number")
    return [(row["number"], row["values_micros"], row["in_profit"], row["reason"]) for row in rows]


def test_snapshots_are_taken_at_exact_seconds(duel: Duel) -> None:
    """Each values everybody at the prices of its own instant, and counts on who is above the stake."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    for gold in (3_000_000, 1_000_000, 4_000_000):
        duel.clock.advance(15)
        duel.price({GOLD: gold, SALT: 1_000_000})
        duel.work(SNAPSHOT)

    assert [
        (0, [10_000_000_000, 10_000_000_000], [0, 0], None),
        (1, [15_000_000_000, 10_000_000_000], [1, 0], None),
        (2, [5_000_000_000, 10_000_000_000], [1, 0], None),
        (3, [20_000_000_000, 10_000_000_000], [2, 0], None),
    ] == stored(duel)
    due = duel.rows(
        "select extract(epoch from due_at - c.starts_at)::int as s from contests.snapshots join"
        " contests.contests c on c.id = contest_id order by number"
    )
    assert [0, 15, 30, 45] == [row["s"] for row in due]
    standings = [one["standings"] for one in duel.told(f"contest:{contest}") if "standings" in one]
    assert [1, 1] == [line["rank"] for line in standings[0]]
    assert [(1, ALICE), (2, BOB)] == [(line["rank"], line["wallet"]) for line in standings[-1]]


def test_a_snapshot_holds_while_a_price_is_stale(duel: Duel) -> None:
    """It is stored with its reason; the leaderboard stays as it was, and the next counts on from it."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(15)
    duel.price({GOLD: 3_000_000, SALT: 1_000_000})
    duel.work(SNAPSHOT)
    duel.clock.advance(3_600 - 45)
    duel.tick()
    duel.clock.advance(15)
    duel.work(SNAPSHOT)
    duel.clock.advance(5)

    newest = stored(duel)[-1]
    assert (239, [], [], "token_unpriced") == newest
    assert 1 == duel.get(f"/v1/contests/{contest}/leaderboard")["snapshot"]


def test_a_snapshot_out_of_its_window_is_skipped(duel: Duel) -> None:
    """Who comes when the next one is due takes nothing."""
    duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(31)
    duel.price({GOLD: 3_000_000, SALT: 1_000_000})
    duel.work(SNAPSHOT)

    assert [0, 2] == [row[0] for row in stored(duel)]
    assert [("skipped", "expired"), ("done", None)] == duel.tasks(SNAPSHOT)[:2]


def test_nothing_is_valued_of_what_no_longer_runs(duel: Duel) -> None:
    """A contest that was cancelled takes no snapshot."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.admin("POST", f"/v1/contests/{contest}/cancel", {"reason": "rain"})
    duel.clock.advance(15)
    duel.work(SNAPSHOT)

    assert [0] == [row[0] for row in stored(duel)]
