"""How wide a cursor asks: limits are learned, from words or by halving, and tried again rarely."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.evm.log_cursor.spans import PATIENCE, SPAN_MAX, Span, after_refusal, after_success, crowded, limit_named

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("words", "asked", "named"),
    [
        ("eth_getLogs is limited to a 10,000 range", 20_000, 10_000),
        ("block range is too wide, maximum 2k blocks", 5_000, 2_000),
        ("Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.", 256, 10),
        ("Log response size exceeded. this block range should work: [0x10, 0x1f]", 256, 16),
        ("query returned more than 10000 results", 20_000, None),
        ("exceed maximum block range: 5000", 256, None),
        ("this block range should work: [0x0, 0xffff]", 256, None),
        ("rate limit", 256, None),
    ],
)
def test_what_a_refusal_names(words: str, asked: int, named: int | None) -> None:
    """A number of blocks, less than was asked for; a limit of results or of rates names none."""
    assert limit_named(words, asked) == named


def test_a_refusal_with_a_number_is_taken_at_its_word() -> None:
    """Asked for that many at once, and one more is known to be refused."""
    span = after_refusal(Span(), 256, "you can make requests with up to a 10 block range")

    assert span == Span(blocks=10, proven=0, refused=11)


def test_a_refusal_without_a_number_halves() -> None:
    """Down to one block, never to none."""
    span = Span(blocks=5)
    seen = []
    while span.blocks > 1:
        span = after_refusal(span, span.blocks)
        seen.append(span.blocks)

    assert seen == [2, 1]
    assert after_refusal(span, 1).blocks == 1


def test_a_refused_step_of_growth_goes_back_to_what_went_well() -> None:
    """A limit of 100 is found from 96 without falling to the half of 108."""
    grown = after_success(Span(blocks=96), 96)
    refused = after_refusal(grown, grown.blocks)

    assert (grown.blocks, refused.blocks, refused.refused) == (108, 96, 108)


def test_a_refused_span_is_tried_again_after_patience() -> None:
    """Growth stops one below it until enough reads have gone well."""
    span = after_refusal(Span(blocks=9, proven=8), 9)
    widths = []
    for _ in range(PATIENCE + 1):
        span = after_success(span, span.blocks)
        widths.append(span.blocks)

    assert widths == [8] * (PATIENCE - 1) + [9, 10]


def test_a_narrow_read_at_the_head_teaches_nothing() -> None:
    """The last blocks before the head are few, whatever the provider allows."""
    span = Span(blocks=100, proven=50, refused=200, well=3)

    assert after_success(span, 99) == span


def test_a_crowded_read_narrows_the_span() -> None:
    """As wide as what one commit took; at least one block."""
    assert (crowded(Span(blocks=100), 7).blocks, crowded(Span(blocks=100), 0).blocks) == (7, 1)


@given(limit=st.integers(1, 3_000), speaks=st.booleans())
def test_every_limit_is_found_and_rarely_touched(limit: int, speaks: bool) -> None:
    """From any start the span comes to at least half of what is allowed; refusals stay rare."""
    span, refusals, reads = Span(), 0, 600
    for _ in range(reads):
        if span.blocks > limit:
            refusals += 1
            span = after_refusal(span, span.blocks, f"up to a {limit} block range" if speaks else "no")
        else:
            span = after_success(span, span.blocks)

    assert 1 <= span.blocks <= SPAN_MAX
    assert span.blocks >= min(limit, SPAN_MAX) // 2
    assert refusals <= 20 + reads // PATIENCE
