"""The table that a crash run ends with: scenario, variation, points, kills, seconds, verdict.

A test tells its tally by `record_property("tally", ...)`, which xdist carries to the one process that prints.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from tests.crash.harness.campaign import Tally

HEAD = f"{'scenario':24} {'variation':32} {'points':>6} {'kills':>6} {'stalls':>6} {'s':>6}  verdict"


def told(tally: Tally) -> dict[str, Any]:
    """The tally as a property of a test."""
    return {**asdict(tally), "verdict": tally.verdict, "failures": len(tally.failures)}


class Tallies:
    """Collects the tallies of all tests."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what a campaign told."""
        if report.when == "call":
            told: list[tuple[str, Any]] = report.user_properties
            self.rows += [value for name, value in told if name == "tally"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, if any campaign ran."""
        if not self.rows:
            return
        terminalreporter.section("crash campaigns")
        for line in table(self.rows):
            terminalreporter.write_line(line)


def table(rows: list[Mapping[str, Any]]) -> list[str]:
    """The lines, by scenario, and their sum."""
    ordered = sorted(rows, key=lambda row: (row["scenario"], row["variation"]))
    lines = [_line(row) for row in ordered]
    sums = {name: sum(row[name] for row in rows) for name in ("points", "kills", "stalls", "seconds")}
    bad = sum(row["verdict"] != "exactly once" for row in rows)
    total = {"scenario": "all", "variation": "", **sums, "verdict": f"{bad} bad" if bad else "exactly once"}
    return [HEAD, *lines, _line(total)]


def _line(row: Mapping[str, Any]) -> str:
    figures = f"{row['points']:6} {row['kills']:6} {row['stalls']:6} {row['seconds']:6.0f}"
    return f"{row['scenario']:24} {row['variation']:32} {figures}  {row['verdict']}"


def pytest_configure(config: pytest.Config) -> None:
    """Printed by the process that is no xdist worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tallies(), "crash-tallies")
