"""The verdict over netting's scene: any difference breaks a promise, and the tables show it."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from infra.local.demo import netting_report as report
from infra.local.demo.netting_count import Tally, broken_promises

pytestmark = pytest.mark.unit

KEPT = Tally(
    batches=1,
    accepted=1_400,
    sent=35,
    again=0,
    others=12,
    packing_bound=34,
    traded_lamports=400 * 10**9,
    moved_lamports=50 * 10**9,
    intents={"settled": 1_400, "not_owner": 200},
    wrong_intents=0,
    wrong_owners=0,
    wrong_funds=0,
    wrong_tables=0,
    wrong_books=0,
    left_over=0,
    orphaned=2,
    verdict="balanced",
)


def text_of(what: object) -> str:
    """As a terminal shows it."""
    console = Console(width=150)
    with console.capture() as shown:
        console.print(what)
    return shown.get()


def test_a_scene_without_differences_keeps_its_promises() -> None:
    """And says what was spared, and how many attempts died."""
    assert [] == broken_promises(KEPT)
    assert "97.5 %" in text_of(report.saving_table(KEPT))
    assert "87.5 %" in text_of(report.saving_table(KEPT))
    assert "died with their workers: 2." in report.sent_line(KEPT)
    assert "1400 settled, 200 not_owner" in report.fates_line(KEPT)


@pytest.mark.parametrize(
    "difference", ["wrong_intents", "wrong_owners", "wrong_funds", "wrong_tables", "wrong_books", "left_over"]
)
def test_each_difference_breaks_a_promise(difference: str) -> None:
    """Also a single one; the table has its count."""
    counts: dict[str, Any] = {difference: 37}
    tally = replace(KEPT, **counts)

    assert 1 == len(broken_promises(tally))
    assert "37" in text_of(report.proof_table(tally))


def test_books_that_the_treasury_finds_wrong_break_a_promise() -> None:
    """The authority's own wallet is compared, too."""
    assert ["the treasury's own check of the authority says difference"] == broken_promises(
        replace(KEPT, verdict="difference")
    )


def test_an_empty_scene_divides_by_nothing() -> None:
    """Nothing was accepted."""
    empty = replace(KEPT, accepted=0, sent=0, traded_lamports=0, moved_lamports=0)

    assert "0.0 %" in text_of(report.saving_table(empty))
