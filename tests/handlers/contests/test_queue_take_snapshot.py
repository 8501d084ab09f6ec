"""queue_take_snapshot: what every portfolio is worth, every 15 seconds."""

import json
from collections.abc import Iterator

import pytest

from functions.contests.adapters.life_steps import SNAPSHOT
from functions.contests.wiring import Deps
from tests.handlers.contests.duel import ALICE, BOB, COAL, GOLD, LIQUID, SALT, Duel

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


def test_one_bad_token_holds_nobodys_snapshot(duel: Duel) -> None:
    """Bought mid-contest, and then without a market: it keeps its last price, marked, and all others have theirs."""
    duel.list_token(COAL, "COAL")
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.price({COAL: 5_000_000})
    for key, trade in {"a": ("sell", GOLD, 1_000_000_000), "b": ("buy", COAL, 400_000_000)}.items():
        assert 200 == duel.trade(contest, ALICE, *trade, key)[0]
    shown = []
    for coal, liquidity, salt in ((6, LIQUID, 2), (900, 1, 3), (900, 1, 4)):
        duel.clock.advance(15)
        duel.price({COAL: coal * 10**6}, liquidity_usd=liquidity)
        duel.price({GOLD: 2_000_000, SALT: salt * 10**6})
        duel.work(SNAPSHOT)
        shown.append(duel.get(f"/v1/contests/{contest}/leaderboard"))

    alice, bob = 8_000_000_000 + 400 * 6_000_000, 10_000_000_000
    assert [
        (1, [alice, 2 * bob], [1, 1], None),
        (2, [alice, 3 * bob], [2, 2], None),
        (3, [alice, 4 * bob], [3, 3], None),
    ] == stored(duel)[1:]
    assert [{}, {COAL: "snapshot 1"}, {COAL: "snapshot 1"}] == [one["stood_in"] for one in shown]
    told = [one["stood_in"] for one in duel.told(f"contest:{contest}") if "standings" in one]
    assert [{}, {}, {COAL: "snapshot 1"}, {COAL: "snapshot 1"}] == told


def test_a_token_that_went_before_its_first_snapshot_is_valued_at_its_trade(duel: Duel) -> None:
    """Or at the lower of a trade and the snapshot before it, as at the end of the contest."""
    duel.list_token(COAL, "COAL")
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.price({COAL: 5_000_000})
    for key, trade in {"a": ("sell", GOLD, 1_000_000_000), "b": ("buy", COAL, 100_000_000)}.items():
        assert 200 == duel.trade(contest, ALICE, *trade, key)[0]
    found = []
    for price in (None, 4_000_000, None):
        duel.clock.advance(1)
        if price:
            duel.price({COAL: price})
            assert 200 == duel.trade(contest, ALICE, "buy", COAL, 1, "c")[0]
        duel.clock.advance(14)
        duel.price({COAL: 900_000_000}, liquidity_usd=0)
        duel.price({GOLD: 2_000_000, SALT: 1_000_000})
        duel.work(SNAPSHOT)
        found.append(duel.get(f"/v1/contests/{contest}/leaderboard")["stood_in"])

    assert [{COAL: "trade 2"}, {COAL: "trade 3"}, {COAL: "trade 3"}] == found


def test_a_snapshot_holds_while_the_oracle_has_no_price(duel: Duel) -> None:
    """What it decides is everybody's: stored with its reason, the board stays as it was, and the next counts on."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    by_oracle = Deps(duel.kernel, duel.settings.model_copy(update={"oracle_feeds": json.dumps({GOLD: "GOLD/USD"})}))
    for deps in (duel.deps, by_oracle, duel.deps):
        duel.clock.advance(15)
        duel.price({GOLD: 3_000_000, SALT: 1_000_000})
        for task in duel.due(SNAPSHOT):
            duel.deliver(task, deps)

    assert [(0, None), (1, None), (2, "no_price"), (3, None)] == [(row[0], row[3]) for row in stored(duel)]
    assert [2, 0] == stored(duel)[-1][2]
    assert 3 == duel.get(f"/v1/contests/{contest}/leaderboard")["snapshot"]


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
