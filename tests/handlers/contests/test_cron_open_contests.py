"""cron_open_contests: templates' contests, each once; and the tasks of what is near."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.contests.adapters.life_steps import SNAPSHOT, STEP
from tests.handlers.contests.duel import ALICE, BEGIN, BOB, FEE, GOLD, SALT, Duel

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest. It is Saturday, noon."""
    with Duel.open(database_url) as duel:
        yield duel


def template(duel: Duel, **terms: object) -> str:
    """One that opens contests on Saturdays and Sundays at six and at eighteen, an hour ahead."""
    body = {"name": "weekend", "days": [6, 7], "hours": [6, 18], "duration_s": 600, "announced_s": 3_600, **terms}
    status, added = duel.admin("POST", "/v1/contests/templates", body)
    assert 201 == status, added
    return str(added["id"])


def starts(duel: Duel) -> list[tuple[float, int]]:
    """Hours from the beginning, and fees."""
    found = duel.rows("select starts_at, fee_lamports from contests.contests order by starts_at")
    return [((row["starts_at"] - BEGIN) / timedelta(hours=1), row["fee_lamports"]) for row in found]


def test_a_template_opens_its_contests_on_days_and_hours(duel: Duel) -> None:
    """Each once, however often the minute comes, and with a task that gives it a wallet."""
    template(duel)
    template(duel, name="dear", hours=[7], fee_lamports="5")
    for _ in range(48):
        duel.tick()
        duel.tick()
        duel.clock.advance(1_800)

    assert [(6.0, FEE), (18.0, FEE), (19.0, 5)] == starts(duel)
    assert 3 == len(duel.tasks("contests.assign_wallet"))


def test_a_template_that_is_stopped_opens_nothing(duel: Duel) -> None:
    """Until it is let again."""
    stopped = template(duel, announced_s=7 * 3_600)
    duel.admin("PUT", f"/v1/contests/templates/{stopped}", {"is_active": False})
    duel.tick()
    none = starts(duel)
    duel.admin("PUT", f"/v1/contests/templates/{stopped}", {"is_active": True})
    duel.tick()

    assert ([], [(6.0, FEE)]) == (none, starts(duel))


def test_starts_and_snapshots_are_asked_for_two_minutes_ahead(duel: Duel) -> None:
    """Once each, whoever asks how often."""
    duel.contest(starts_in_s=121)
    duel.tick()
    far = duel.tasks(STEP)
    duel.clock.advance(1)
    duel.tick()
    duel.tick()

    assert ([], [("ready", None)]) == (far, duel.tasks(STEP))
    duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    before = len(duel.tasks(SNAPSHOT))
    duel.clock.advance(60)
    duel.tick()
    assert (8, 12) == (before, len(duel.tasks(SNAPSHOT)))
