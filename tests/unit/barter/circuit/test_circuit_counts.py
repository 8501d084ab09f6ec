"""How large the circuit is, as the README says."""

from collections.abc import Callable

import pytest

from gpu.exchange.count import LIST_MAX, SIZES, table
from infra.local import settings

pytestmark = pytest.mark.unit

README = settings.ROOT / "functions/barter/README.md"
#: What was aimed at.
AIMS = {16: 7_600, 64: 30_000, 128: 63_000, 256: 135_000}


def columns(text: str) -> dict[int, dict[str, str]]:
    """The table's columns: the size above, each row's name with its number."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.count("|") > 2]
    start = next(at for at, row in enumerate(rows) if row[0] == f"agents, lists of {LIST_MAX}")
    body = [row for row in rows[start + 2 :] if len(row) == len(rows[start])]
    return {int(size): {row[0]: row[place] for row in body} for place, size in enumerate(rows[start][1:], start=1)}


def test_the_readme_counts_the_constraints(volume: Callable[[int, int], int]) -> None:
    """At 16 and 64 agents in a test, at all sizes in soak; none is above its aim."""
    sizes = SIZES[: volume(2, len(SIZES))]
    said, counted = columns(README.read_text()), columns(table(sizes) + "\n")

    assert tuple(said) == SIZES
    for size in sizes:
        assert counted[size].items() <= said[size].items()
        assert int(counted[size]["**all**"].replace(",", "")) < AIMS[size]
