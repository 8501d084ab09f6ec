"""The table that a crash run ends with: scenario, variation, points, kills, seconds, verdict.

A test tells its tally by `record_property("tally", ...)`, which xdist carries to the one process that prints.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from tests.crash.harness.campaign import EXACTLY_ONCE, Tally

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
    rows = _whole(rows)
    ordered = sorted(rows, key=lambda row: (row["scenario"], row["variation"]))
    lines = [_line(row) for row in ordered]
    sums = {name: sum(row[name] for row in rows) for name in ("points", "kills", "stalls", "seconds")}
    bad = sum(row["verdict"] != EXACTLY_ONCE for row in rows)
    total = {"scenario": "all", "variation": "", **sums, "verdict": f"{bad} bad" if bad else EXACTLY_ONCE}
    return [HEAD, *lines, _line(total)]


def _whole(rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One row a campaign, whose shares have the same points and kills of their own."""
    whole: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        campaign = whole.setdefault((row["scenario"], row["variation"]), {**row, "kills": 0, "stalls": 0, "seconds": 0})
        for figure in ("kills", "stalls", "seconds"):
            campaign[figure] += row[figure]
        campaign["verdict"] = row["verdict"] if campaign["verdict"] == EXACTLY_ONCE else campaign["verdict"]
    return [*whole.values()]


def _line(row: Mapping[str, Any]) -> str:
    figures = f"{row['points']:6} {row['kills']:6} {row['stalls']:6} {row['seconds']:6.0f}"
    return f"{row['scenario']:24} {row['variation']:32} {figures}  {row['verdict']}"


def pytest_configure(config: pytest.Config) -> None:
    """Printed by the process that is no xdist worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tallies(), "crash-tallies")
