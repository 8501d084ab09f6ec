"""Make stored rounds again: `python -m infra.local.back_test --database-url URL --from … --to … [--bucket NAME]`.

Each is made from the points that it saw, in Postgres or, for days that are gone from there, in the bucket's Parquet
files, and compared bit for bit with what was decided. 0 when all are the same, 1 when something differs, 2 when it
could not be told.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

from rich.console import Console
from rich.table import Table

from functions.oracle.adapters.anomaly_models import AnomalyModels
from functions.oracle.adapters.point_days import ExportedDays
from functions.oracle.adapters.replays import StoredDecisions, StoredWindows
from functions.oracle.adapters.repository import Repository
from functions.oracle.core.anomaly import Model
from functions.oracle.core.back_test import Difference, Replay, replay
from functions.oracle.wiring import ROLE
from infra.local import settings
from kernel.audit import Audit
from kernel.clock import SystemClock
from kernel.errors import CounterpartError
from kernel.offload.objects import Objects, S3Objects
from kernel.postgres import Postgres

SHOWN_MAX = 20
MILLION = 1_000_000


@dataclass(slots=True)
class FeedTally:
    """What became of one feed over all rounds."""

    rounds: int = 0
    different: set[int] = field(default_factory=set)
    #: Distances from the round's median, in millionths of it.
    distances_ppm: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a back-test found."""

    feeds: dict[str, FeedTally] = field(default_factory=dict)
    rounds: int = 0
    without_inputs: int = 0
    lost_inputs: list[int] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    #: Source of the points ("Postgres" or "Parquet") -> days.
    days: Counter[str] = field(default_factory=Counter)

    @property
    def verdict(self) -> int:
        """The exit status."""
        return 1 if self.differences else 2 if self.lost_inputs or not self.rounds else 0


class BackTest:
    """One run over a database, and a bucket where it is needed."""

    def __init__(self, postgres: Postgres, objects: Objects, *, prefer_bucket: bool = False) -> None:
        self._decisions, self._repository = StoredDecisions(postgres), Repository(postgres)
        self._windows = StoredWindows(postgres, ExportedDays(postgres, objects), prefer_bucket=prefer_bucket)

    def rounds_of(self, start: str, stop: str) -> tuple[int, int] | None:
        """Rounds by their numbers, both included, or of the times [start, stop)."""
        if start.isdigit() and stop.isdigit():
            return int(start), int(stop)
        return self._decisions.of_times(_moment(start), _moment(stop))

    def run(self, first: int, last: int, model_of: Callable[[int | None], Model | None]) -> Report:
        """Make every round again. `model_of` gives the model by the version that a round was decided with."""
        report = Report(without_inputs=self._decisions.without_inputs(first, last))
        medians = self._decisions.medians(first, last)
        for stored in self._decisions.between(first, last):
            feeds = self._repository.feeds(stored.reward_epoch)
            points = self._windows.before(stored.decided_at)
            _tally(report, replay(stored, feeds, points, model_of(stored.model_version)), medians)
        report.days = Counter(
            "Postgres" if source == "Postgres" else "Parquet" for source in self._windows.sources.values()
        )
        return report

    def close(self) -> None:
        """Remove what was fetched."""
        self._windows.close()


def show(report: Report, console: Console) -> None:
    """A row a feed, the first differences, and the sum."""
    table = Table("feed", "rounds", "bit for bit", "different", "from the median, ppm: middle", "largest")
    for symbol, tally in sorted(report.feeds.items()):
        distances = tally.distances_ppm
        far = (f"{median(distances):.1f}", f"{max(distances):.1f}") if distances else ("", "")
        different = len(tally.different)
        table.add_row(symbol, str(tally.rounds), str(tally.rounds - different), str(different), *far)
    console.print(table)
    for each in report.differences[:SHOWN_MAX]:
        told = f"round {each.voting_round} {each.symbol} {each.field}: {each.stored!r} is now {each.replayed!r}"
        console.print(told, style="red", highlight=False, soft_wrap=True)
    if len(report.differences) > SHOWN_MAX:
        console.print(f"and {len(report.differences) - SHOWN_MAX} more", style="red")
    for number in report.lost_inputs[:SHOWN_MAX]:
        console.print(f"round {number}: its points are not those that it was decided from", style="yellow")
    if report.without_inputs:
        console.print(f"{report.without_inputs} rounds were decided before it was noted what from", style="yellow")
    days = ", ".join(f"{days} in {source}" for source, days in sorted(report.days.items())) or "none"
    same = report.rounds - len({each.voting_round for each in report.differences}) - len(report.lost_inputs)
    console.print(f"{same} of {report.rounds} rounds bit for bit; days of points: {days}", highlight=False)


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit status."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not chosen.database_url:
        parser.error("name the database: --database-url, or DATABASE_URL in the environment")
    console = Console()
    postgres = Postgres(chosen.database_url, role=ROLE)
    back_test = BackTest(postgres, S3Objects(chosen.bucket), prefer_bucket=chosen.from_bucket)
    try:
        rounds = back_test.rounds_of(chosen.start, chosen.stop)
        if rounds is None:
            console.print("no round was decided in this time", style="yellow")
            return 2
        report = back_test.run(*rounds, no_model if chosen.without_model else stored_models(postgres))
    except CounterpartError as refused:
        console.print(f"the rounds could not be read: {refused}", style="red", markup=False, soft_wrap=True)
        return 2
    finally:
        back_test.close()
        postgres.close()
    show(report, console)
    return report.verdict


def no_model(_: int | None) -> Model | None:
    """As if there had been none."""
    return None


def stored_models(postgres: Postgres) -> Callable[[int | None], Model | None]:
    """The models as they were stored, each read once."""
    models, known = AnomalyModels(postgres, Audit(postgres), SystemClock()), dict[int, Model]()

    def model_of(version: int | None) -> Model | None:
        if version is None:
            return None
        if version not in known:
            known[version] = models.model(version)
        return known[version]

    return model_of


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local.back_test", description="Make stored rounds again")
    parser.add_argument("--from", dest="start", required=True, help="a voting round, or a moment in ISO 8601")
    parser.add_argument("--to", dest="stop", required=True, help="the last voting round, or the moment of the end")
    parser.add_argument("--database-url", default=settings.load().database_url, help="DATABASE_URL otherwise")
    parser.add_argument("--bucket", default="", help="where days of points are that Postgres has no more")
    parser.add_argument("--from-bucket", action="store_true", help="read all exported days there, to try the files")
    parser.add_argument("--without-model", action="store_true", help="veto nobody, to see what the model has changed")
    return parser


def _tally(report: Report, made: Replay, medians: dict[tuple[int, str], float]) -> None:
    report.rounds += 1
    if not made.has_inputs:
        report.lost_inputs.append(made.voting_round)
        return
    report.differences += made.differences
    for symbol in _symbols(made):
        tally = report.feeds.setdefault(symbol, FeedTally())
        tally.rounds += 1
        middle = medians.get((made.voting_round, symbol))
        if middle and symbol in made.consensus:
            tally.distances_ppm.append(abs(made.consensus[symbol] - middle) / middle * MILLION)
    for each in made.differences:
        report.feeds[each.symbol].different.add(made.voting_round)


def _symbols(made: Replay) -> Iterable[str]:
    return made.consensus.keys() | {each.symbol for each in made.differences}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
