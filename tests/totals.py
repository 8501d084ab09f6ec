"""The totals of `make soak` and `make crash`: how much each large test ran, and its seed, written into BENCHMARKS.md.

A test tells its total by the fixture `volume` and its seed, if it has one, by `record_property("seed", seed)`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from infra.local import settings

BENCHMARKS = settings.ROOT / "BENCHMARKS.md"
BEGIN, END = "<!-- totals: begin, written by make soak and make crash -->", "<!-- totals: end -->"
HEAD = "| test | total | seed | outcome | seconds |\n|---|---:|---|---|---:|"

Row = tuple[str, str, str, str]


@pytest.fixture
def volume(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """`volume(in_test, in_soak)`: how much of a large volume to run now; SOAK=1 runs all of it."""
    soak = settings.load().soak

    def choose(in_test: int, in_soak: int) -> int:
        total = in_soak if soak else in_test
        request.node.user_properties.append(("total", total))
        return total

    return choose


class Totals:
    """Collects what large tests told, in the one pytest process that hears of every test."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the test if it told a total."""
        told = dict(report.user_properties)
        if report.when == "call" and "total" in told:
            total = f"{told['total']:,}"
            self.rows[report.nodeid] = (total, str(told.get("seed", "")), report.outcome, f"{report.duration:.0f}")

    def pytest_sessionfinish(self) -> None:
        """Write the totals, beside those of tests that this run left out."""
        if self.rows and BENCHMARKS.exists():
            BENCHMARKS.write_text(with_totals(BENCHMARKS.read_text(), self.rows, datetime.now(UTC)))


def pytest_configure(config: pytest.Config) -> None:
    """Only full volumes are worth writing down, and only by the process that is no xdist worker."""
    if settings.load().soak and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Totals(), "totals")


def with_totals(text: str, rows: Mapping[str, Row], now: datetime) -> str:
    """The document with these rows in its table; rows of other tests stay."""
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {cells[1]: tuple(cells[2:6]) for line in table.splitlines() if len(cells := _cells(line)) == 7}
    merged = {name: cells for name, cells in known.items() if name.startswith("tests/")} | dict(rows)
    lines = [f"| {name} | {' | '.join(cells)} |" for name, cells in sorted(merged.items())]
    body = "\n".join((BEGIN, f"Totals of the last runs at full volume ({now:%Y-%m-%d}):", "", HEAD, *lines, END))
    return f"{before.rstrip()}\n\n{body}\n{after.lstrip()}"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]
