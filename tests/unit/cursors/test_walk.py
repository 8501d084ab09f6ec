"""What a page of an address's history brings, and when a walk back has arrived."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.solana.history import SignatureSeen
from kernel.solana.program_cursor.walk import Disorder, Finding, Mark, Page, lacking, merged, turn_page

pytestmark = pytest.mark.unit

START = Mark(None, 0)


def line(name: str, slot: int, error: str | None = None) -> SignatureSeen:
    return SignatureSeen(name, slot, error, None)


NEWEST = [line("e", 9), line("d", 7), line("c", 7, "AccountInUse"), line("b", 5), line("a", 4)]


def test_a_page_is_found_from_the_newest_back() -> None:
    """Ordinals grow with age, after those of earlier pages; a page that is not empty is not the last."""
    page = turn_page(NEWEST[:3], START, ceiling_slot=20, after_ordinal=10)

    assert page == Page(
        findings=(Finding(11, "e", 9, True), Finding(12, "d", 7, True), Finding(13, "c", 7, False)),
        before="c",
        is_last=False,
    )


def test_an_empty_page_is_the_last() -> None:
    """Nothing older is there."""
    assert turn_page([], START, ceiling_slot=20, after_ordinal=3) == Page(findings=(), before=None, is_last=True)


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        pytest.param(Mark("b", 5), "edc", id="at the transaction delivered last"),
        pytest.param(Mark("x", 5), "edcb", id="below its slot, where the endpoint does not know it"),
        pytest.param(Mark(None, 7), "edc", id="below the slot to start from"),
    ],
)
def test_a_walk_arrives(mark: Mark, found: str) -> None:
    """At the mark or below its slot; what shares its slot is kept, and told apart by its identity."""
    page = turn_page(NEWEST, mark, ceiling_slot=20, after_ordinal=0)

    assert ("".join(one.signature for one in page.findings), page.is_last) == (found, True)


def test_what_is_not_final_is_left_for_later() -> None:
    """Above the ceiling nothing is found; the walk goes on below."""
    page = turn_page(NEWEST[:2], START, ceiling_slot=8, after_ordinal=0)

    assert (page.findings, page.before, page.is_last) == ((Finding(1, "d", 7, True),), "d", False)


def test_a_page_out_of_order_is_refused() -> None:
    """Its oldest line would not be where to go on."""
    with pytest.raises(Disorder):
        turn_page([line("b", 5), line("e", 9)], START, ceiling_slot=20, after_ordinal=0)


def test_what_another_endpoint_adds() -> None:
    """Within the page, up to what is final here, and never the mark itself or older."""
    others = [line("f", 12), line("e", 9), line("x", 7), line("b", 5), line("y", 4)]

    assert lacking(NEWEST[:3], others, START, ceiling_slot=10) == [line("x", 7)]
    assert lacking(NEWEST[:3], others, START, ceiling_slot=12) == [line("f", 12), line("x", 7)]
    assert lacking([], others, Mark("b", 5), ceiling_slot=10) == [line("e", 9), line("x", 7)]


def test_a_page_is_completed_in_the_order_of_slots() -> None:
    """Within a slot what was lacking counts as the older."""
    page = merged(NEWEST[:4], [line("x", 7), line("f", 12)])

    assert "".join(one.signature for one in page) == "fedcxb"


@given(slots=st.lists(st.integers(0, 30), max_size=40), page_size=st.integers(1, 7), seen=st.integers(0, 40))
def test_pages_of_any_size_find_everything_above_the_mark(slots: list[int], page_size: int, seen: int) -> None:
    """Every history, however providers cut their pages: what is newer than the mark is found once, oldest last."""
    history = [line(str(number), slot) for number, slot in enumerate(sorted(slots))]
    mark = Mark(history[seen - 1].signature, history[seen - 1].slot) if 0 < seen <= len(history) else START
    newest, before = history[::-1], 0
    found: list[Finding] = []
    while True:
        page = turn_page(newest[before : before + page_size], mark, ceiling_slot=99, after_ordinal=len(found))
        found += page.findings
        before += page_size
        if page.is_last:
            break

    expected = history[seen:] if mark.signature is not None else history
    assert [one.signature for one in reversed(found)] == [one.signature for one in expected]
    assert [one.ordinal for one in found] == list(range(1, len(found) + 1))
