"""cron_grow_forest: once a week a job, out of six days of portraits that ended a day before."""

import numpy as np
import pytest

from functions.oracle.adapters.anomaly_training import SAMPLES, TREES
from functions.oracle.core.anomaly_features import FEATURES, FORM
from functions.oracle.core.anomaly_training import term_of
from functions.oracle.cron_grow_forest import handler
from functions.oracle.wiring import Deps
from kernel.offload import OffloadJob
from kernel.offload.objects import read
from tests.handlers.oracle.provider import Context, pass_time, scheduled_event
from tests.handlers.oracle.weeks import Week

pytestmark = pytest.mark.handlers


@pytest.fixture
def week(offline: Deps) -> Week:
    return Week(offline)


def tick(deps: Deps) -> None:
    handler.bind(deps)(scheduled_event(deps.clock.now()), Context())


def jobs(deps: Deps) -> list[OffloadJob]:
    with deps.kernel.postgres.transaction() as tx:
        keys = [row["business_key"] for row in tx.all("select business_key from kernel.offload_jobs order by 1")]
    return [job for key in keys if (job := deps.kernel.jobs.job_of(key)) is not None]


def test_the_first_tick_of_a_week_asks_and_no_other_does(week: Week) -> None:
    """The input is every portrait of the span, in one order; the poll task waits for the function that can grow."""
    week.fill()
    tick(week.deps)
    tick(week.deps)

    (job,) = jobs(week.deps)
    assert job.input is not None
    content = read(week.deps.kernel.objects, job.input)
    rows = np.frombuffer(content, dtype="<f4").reshape(-1, len(FEATURES))
    assert (job.business_key, job.poll_kind) == (
        "oracle/anomaly/2026-W47@2026-11-16T00:00:00+00:00",
        "oracle.grow_forest",
    )
    assert (job.arguments["trees"], job.arguments["samples"]) == (TREES, SAMPLES)
    assert len(rows) == week_portraits(week) >= 2_000


def week_portraits(week: Week) -> int:
    with week.deps.kernel.postgres.transaction() as tx:
        return int(tx.one("select sum(cardinality(sources)) as n from oracle.judgements")["n"])


def test_before_there_is_enough_nothing_is_asked(week: Week) -> None:
    """Nothing, too little, or portraits of another form."""
    tick(week.deps)
    week.portrayed(term_of(week.deps.clock.now()).grown_from, rounds=1)
    tick(week.deps)

    assert jobs(week.deps) == []


def test_portraits_of_the_day_of_the_trial_and_of_another_form_are_left_out(week: Week) -> None:
    """What a model is judged by it has not seen; and other features are other numbers."""
    term = term_of(week.deps.clock.now())
    week.portrayed(term.tried_from)
    tick(week.deps)
    with week.deps.kernel.postgres.transaction() as tx:
        tx.execute(
            "update oracle.judgements set form = %(other)s, decided_at = %(at)s", other=FORM + 1, at=term.grown_from
        )
        tx.execute("update oracle.decisions set decided_at = %(at)s", at=term.grown_from)
    tick(week.deps)

    assert jobs(week.deps) == []


def test_the_next_week_asks_for_its_own(week: Week) -> None:
    """From other days."""
    week.fill()
    tick(week.deps)
    pass_time(week.deps, 7 * 86_400)
    with week.deps.kernel.postgres.transaction() as tx:
        tx.execute("update oracle.judgements set decided_at = decided_at + interval '7 days'")
        tx.execute("update oracle.decisions set decided_at = decided_at + interval '7 days'")
    tick(week.deps)

    assert ["2026-W47", "2026-W48"] == [job.business_key[15:23] for job in jobs(week.deps)]
