"""queue_try_forest: a forest in; a model with its trial out, in force if it passed."""

import pytest

from functions.oracle.adapters.anomaly_models import ModelUnsound
from functions.oracle.cron_grow_forest import handler as ask
from functions.oracle.queue_grow_forest import handler as grow
from functions.oracle.queue_try_forest import handler
from functions.oracle.wiring import Deps
from tests.handlers.oracle.provider import Context, pass_time, scheduled_event
from tests.handlers.oracle.weeks import FEEDS, TRIED, Week

pytestmark = pytest.mark.handlers


@pytest.fixture
def asked(offline: Deps) -> Week:
    """A week whose model was asked for."""
    week = Week(offline)
    week.fill()
    ask.bind(offline)(scheduled_event(offline.clock.now()), Context())
    return week


@pytest.fixture
def week(asked: Week) -> Week:
    """A week whose model has grown."""
    asked.run(grow, "oracle.grow_forest")
    return asked


def test_a_model_that_passes_its_trial_is_in_force(week: Week) -> None:
    """Stored with what was attacked and what was seen; every window of the day was tried once."""
    models = week.deps.anomalies.models
    before = week.deps.anomalies.in_force()
    ended = week.run(handler, "oracle.try_forest")
    again = week.run(handler, "oracle.try_forest")
    (stored,), choice, model = models.models(), models.choice(), week.deps.anomalies.in_force()

    assert (before, ended["state"], again["state"]) == (None, "done", "done")
    assert stored.is_sound, stored.trial
    assert choice is not None
    assert model is not None
    assert (stored.is_sound, choice.version, choice.is_pinned, choice.actor) == (True, 1, False, "oracle.try_forest")
    assert sum(made for made, _, _ in stored.trial["attacks"].values()) > 0.9 * TRIED * len(FEEDS)
    assert model.version == 1
    assert model.fits


def test_a_model_that_nobody_could_try_is_stored_and_not_put_in_force(week: Week) -> None:
    """No raw points of the day are left: of no attack nothing is concluded, and nobody can pin it."""
    with week.deps.kernel.postgres.transaction(role="none") as tx:
        tx.execute("delete from oracle.prices")
    ended = week.run(handler, "oracle.try_forest")
    models = week.deps.anomalies.models
    (stored,) = models.models()

    assert (ended["state"], stored.is_sound, stored.recall_ppm, models.choice()) == ("done", False, 0, None)
    with pytest.raises(ModelUnsound):
        models.pin(stored.version, actor="key:admin", reason="all the same")


def test_a_job_that_came_to_nothing_leaves_what_is_in_force(asked: Week) -> None:
    """And says so where alarms are read."""
    pass_time(asked.deps, 3 * 86_400)
    asked.run(grow, "oracle.grow_forest")
    ended = asked.run(handler, "oracle.try_forest")

    assert (ended["state"], asked.deps.anomalies.models.models()) == ("done", [])
