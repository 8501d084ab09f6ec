"""cron_evaluate_contests: whatever is over and not ranked is asked for again, and what stands still is told."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.life_steps import EVALUATE, STEP
from tests.handlers.contests.duel import ALICE, BOB, GOLD, SALT, Duel

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def test_what_is_over_is_asked_for_once(duel: Duel) -> None:
    """Also where nobody remembers the task that the end has asked for."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(3_600)
    duel.tick()
    duel.work(STEP)
    with duel.office.transaction() as tx:
        tx.execute("delete from kernel.tasks where kind = %(kind)s", kind=EVALUATE)

    duel.tick()
    duel.tick()

    assert [f"contests:{contest}:evaluate"] == [one["business_key"] for one in duel.due(EVALUATE)]


def test_what_runs_is_left_alone(duel: Duel) -> None:
    """Nothing is evaluated before its end."""
    duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.tick()

    assert [] == duel.tasks(EVALUATE)


def test_what_stands_still_is_told_until_it_moves(duel: Duel, caplog: pytest.LogCaptureFixture) -> None:
    """Without a wallet, not ranked, not refunded: after ten minutes, and every minute from then on."""

    def told() -> set[tuple[str, str]]:
        caplog.clear()
        duel.tick()
        alarms = [vars(one) for one in caplog.records if vars(one).get("alarm") == "contests.standstill"]
        return {(one["contest"], one["state"]) for one in alarms}

    over = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}}, lasts_s=60)
    bare, empty = duel.contest(wallet=None, starts_in_s=9_000), duel.contest(starts_in_s=60)
    fine = duel.contest(starts_in_s=9_000)
    duel.clock.advance(60)
    duel.tick()
    duel.work(STEP)
    early = told()
    duel.clock.advance(601)

    assert set() == early
    assert {(str(over), "evaluating"), (str(bare), "pending"), (str(empty), "refunding")} == told()
    duel.price({GOLD: 2_000_000, SALT: 1_000_000})
    duel.work(STEP, EVALUATE)
    assert {(str(bare), "pending"), (str(empty), "refunding")} == told()
    assert "pending" == duel.state(fine)
