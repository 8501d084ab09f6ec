"""cron_evaluate_contests: whatever is over and not ranked is asked for again."""

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
