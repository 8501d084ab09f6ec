"""The training of models of anomalies: what they are grown from is asked for once a week, and what grew is tried.

1. `ask`, every hour: if nobody has asked for this week's model, gather portraits of the term's rounds, keep them as the
   input of a job, and ask for it. Before there are enough of them, nothing is asked.
2. The job grows the forest (gpu/forest), wherever scikit-learn is, and is checked.
3. `try_out`, when it has ended: judge it on windows of the day that it knows nothing of, under seeded attacks, store it
   with its trial, and put it in force if it passed.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from functions.oracle.adapters.anomaly_models import AnomalyModels
from functions.oracle.adapters.judgements import Q, rows_in
from functions.oracle.adapters.repository import Repository
from functions.oracle.core.anomaly import ASPECTS, Model
from functions.oracle.core.anomaly_features import FEATURES, FORM
from functions.oracle.core.anomaly_training import Term, spread, term_of
from functions.oracle.core.anomaly_trial import Floors, hold_trial
from functions.oracle.core.isolation_forest import read_forest
from functions.oracle.core.points import Point, microseconds
from functions.oracle.core.price import SOURCES_MIN, WINDOW_S
from functions.oracle.core.quotes import in_usd
from gpu.catalogue import isolation_forest_work
from gpu.forest.form import Plan
from kernel.offload import Job, Jobs, OffloadJob
from kernel.postgres import Postgres
from kernel.tasks import Done, Fence, Tasks

logger = logging.getLogger(__name__)

TREES: Final = 100
SAMPLES: Final = 512
#: A fortieth of a percent in each of four aspects: of honest sources one in a hundred is a suspect.
SUSPECT_PPM: Final = 2_500
#: 80 rounds of 63 feeds and ten sources are 50 000 portraits, 2.4 MB.
ROUNDS_GROWN: Final = 80
PORTRAITS_MIN: Final = 2_000
#: Ten rounds of a day are up to 630 windows, tried in four seconds.
ROUNDS_TRIED: Final = 10
WINDOWS_TRIED: Final = 600
_FUNCTION: Final = "isolation_forest"
FLOORS: Final = Floors()
_VALID: Final = timedelta(days=2)


class AnomalyTraining:
    """Asks for models, and tries them."""

    def __init__(
        self, postgres: Postgres, tasks: Tasks, jobs: Jobs, models: AnomalyModels, repository: Repository
    ) -> None:
        self._postgres, self._tasks, self._jobs = postgres, tasks, jobs
        self._models, self._repository = models, repository

    def ask(self, now: datetime) -> UUID | None:
        """Ask for this week's model; None where it was asked for already, or there is too little to grow it from."""
        term = term_of(now)
        key = _key(term)
        if self._jobs.job_of(key) is not None:
            return None
        portraits = self._portraits(term)
        if len(portraits) < PORTRAITS_MIN * len(FEATURES) * 4:
            return None
        job = self._job(key, term, portraits, now)
        with self._postgres.transaction() as tx:
            return self._jobs.submit(tx, job)

    def try_out(self, job_id: UUID, fence: Fence, floors: Floors = FLOORS) -> Done:
        """Try what grew, and store it; a job that came to nothing is only told."""
        job = self._jobs.job(job_id)
        forest = self._jobs.output(job)
        if forest is None:
            logger.error(
                "No model of anomalies grew this week.",
                extra={"alarm": "oracle.model_absent", "business_key": job.business_key, "reason": job.reason},
            )
            return Done({"model": None, "reason": job.reason})
        told = self._tried(job, forest, floors, fence)
        logger.info("A model of anomalies was tried.", extra=told)
        return Done(told)

    def windows(self, start: datetime, end: datetime) -> Iterator[tuple[list[Point], int]]:
        """Windows of rounds of a span, of feeds with sources enough to lose one, each with the moment it ends at."""
        for row in spread(self._rounds(start, end), ROUNDS_TRIED):
            at = row["decided_at"]
            seen = self._repository.points_between(at - timedelta(seconds=WINDOW_S), at)
            by_symbol: dict[str, list[Point]] = {}
            for one in in_usd(seen, at).points:
                by_symbol.setdefault(one.symbol, []).append(Point(one.price, one.volume, one.time, one.source))
            for _, points in sorted(by_symbol.items()):
                if len({point.source for point in points}) > SOURCES_MIN:
                    yield points, microseconds(at)

    def _tried(self, job: OffloadJob, forest: bytes, floors: Floors, fence: Fence) -> dict[str, Any]:
        # The term of the week it was asked in, however late it is tried.
        term = term_of(datetime.fromisoformat(job.business_key.rpartition("@")[2]))
        windows = spread(list(self.windows(term.tried_from, term.week_begins)), WINDOWS_TRIED)
        trial = hold_trial(Model(version=0, forest=read_forest(forest)), windows, seed=term.seed)
        with self._postgres.transaction(holding=fence) as tx:
            version = self._models.store(
                tx,
                business_key=job.business_key,
                term=term,
                arguments=job.arguments,
                grown=job.result or {},
                forest=forest,
                trial=trial,
                floors=floors,
            )
            told = {"model": version, "is_sound": trial.passes(floors), **_figures(trial)}
            self._tasks.complete(tx, fence, told)
        return told

    def _portraits(self, term: Term) -> bytes:
        rounds = [row["voting_round"] for row in spread(self._rounds(term.grown_from, term.tried_from), ROUNDS_GROWN)]
        with self._postgres.transaction() as tx:
            found = tx.all(
                Q["usual_features"], voting_rounds=rounds, start=term.grown_from, end=term.tried_from, form=FORM
            )
        return rows_in([bytes(row["features"]) for row in found])

    def _rounds(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        with self._postgres.transaction() as tx:
            return tx.all(Q["rounds_judged"], start=start, end=end)

    def _job(self, key: str, term: Term, portraits: bytes, now: datetime) -> Job:
        plan = Plan(
            columns=len(FEATURES),
            aspects={name: tuple(FEATURES.index(one) for one in columns) for name, columns in ASPECTS.items()},
            trees=TREES,
            samples=SAMPLES,
            seed=term.seed,
            suspect_ppm=SUSPECT_PPM,
        )
        return Job(
            business_key=key,
            service="oracle",
            function=_FUNCTION,
            arguments=plan.arguments(),
            work=isolation_forest_work(plan, len(portraits)),
            input=self._jobs.keep_input(portraits),
            poll_kind="oracle.grow_forest",
            then_kind="oracle.try_forest",
            valid_until=now + _VALID,
        )


def _key(term: Term) -> str:
    return f"oracle/anomaly/{term.week}@{term.week_begins.isoformat()}"


def _figures(trial: Any) -> dict[str, int]:
    return {"precision_ppm": trial.precision_ppm, "recall_ppm": trial.recall_ppm, "tried": trial.tried}
