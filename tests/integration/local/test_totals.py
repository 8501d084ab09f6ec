"""Totals of full-volume runs find their place in BENCHMARKS.md."""

from datetime import UTC, datetime

import pytest

from tests.totals import with_totals

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_totals_are_added_and_replaced_while_all_else_stays() -> None:
    """A second run replaces its own rows, keeps those of other tests, and leaves the prose alone."""
    first = with_totals("# Figures\n\nprose\n", {"tests/a.py::one": ("10,000", "7", "passed", "3")}, NOW)
    second = with_totals(first + "\nmore prose\n", {"tests/b.py::two": ("5", "", "passed", "1")}, NOW)
    third = with_totals(second, {"tests/a.py::one": ("20,000", "8", "passed", "4")}, NOW)

    assert "| tests/a.py::one | 10,000 | 7 | passed | 3 |" in second
    assert "| tests/a.py::one | 20,000 | 8 | passed | 4 |" in third
    assert "| tests/b.py::two | 5 |  | passed | 1 |" in third
    assert "10,000" not in third
    assert third.startswith("# Figures\n\nprose\n")
    assert third.rstrip().endswith("more prose")
    assert third.count("totals: begin") == 1
