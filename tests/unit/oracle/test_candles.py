"""Candles: which buckets answer a question, and how they fold."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.oracle.core.candles import POINTS, WIDTHS, Bucket, Span, begin_of, fold, spans, whole, wider

pytestmark = pytest.mark.unit

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return MIDNIGHT + minutes * MINUTE


def bucket(minute: int, price: str, volume: str | None = "1", points: int = 1) -> Bucket:
    value = Decimal(price)
    total = None if volume is None else Decimal(volume)
    return Bucket(time=at(minute), open=value, high=value, low=value, close=value, volume=total, points=points)


def minutes_of(found: list[Span]) -> Iterator[datetime]:
    for span in found:
        yield from (span.start + n * MINUTE for n in range((span.stop - span.start) // MINUTE))


def test_what_is_folded_is_read_at_the_width_that_was_asked_for() -> None:
    """One span, however long."""
    assert [Span(60, at(0), at(6_000))] == spans(at(0), at(6_000), 60, [])


def test_around_a_marked_minute_the_widest_clean_buckets_answer() -> None:
    """12:07 is marked: of its hour, quarters but one; of that quarter, five minutes but one; of those, four minutes."""
    hour = 12 * 60

    assert [
        Span(60, at(0), at(hour)),
        Span(5, at(hour), at(hour + 5)),
        Span(1, at(hour + 5), at(hour + 7)),
        Span(POINTS, at(hour + 7), at(hour + 8)),
        Span(1, at(hour + 8), at(hour + 10)),
        Span(5, at(hour + 10), at(hour + 15)),
        Span(15, at(hour + 15), at(hour + 60)),
        Span(60, at(hour + 60), at(1_440)),
    ] == spans(at(0), at(1_440), 60, [at(hour + 7)])


def test_a_mark_outside_the_range_changes_nothing() -> None:
    """The end is not part of it, the beginning is."""
    marked = [at(59), at(120)]

    assert [Span(60, at(60), at(120))] == spans(at(60), at(120), 60, marked)
    assert POINTS in {span.width for span in spans(at(60), at(120), 60, [at(60)])}


@given(
    st.sampled_from(WIDTHS),
    st.integers(0, 5),
    st.integers(1, 5),
    st.sets(st.integers(0, 10 * 1_440), max_size=12),
)
@settings(max_examples=60)
def test_spans_cover_every_minute_once_and_no_marked_one_by_a_bucket(
    width: int, first: int, count: int, marked: set[int]
) -> None:
    """Whatever is marked, nothing is counted twice and nothing is left out."""
    start, stop = at(first * width), at((first + count) * width)

    found = spans(start, stop, width, [at(minute) for minute in marked])

    assert list(minutes_of(found)) == [start + n * MINUTE for n in range(count * width)]
    from_buckets = set(minutes_of([span for span in found if span.width != POINTS]))
    assert from_buckets.isdisjoint(at(minute) for minute in marked)
    assert all(begin_of(span.start, span.width) == span.start for span in found if span.width != POINTS)


def test_a_range_is_widened_to_whole_buckets() -> None:
    """A bucket does not depend on who asks for a part of it; an end on a border adds none."""
    assert (at(60), at(180)) == whole(at(61), at(179.5), 60)
    assert (at(60), at(120)) == whole(at(60), at(120), 60)


def test_days_and_four_hours_begin_at_midnight_utc() -> None:
    """All widths are counted from the epoch."""
    assert [at(721), at(720), at(720), at(720), at(720), at(0)] == [begin_of(at(721.5), width) for width in WIDTHS]


def test_a_fold_opens_with_the_first_and_closes_with_the_last() -> None:
    """In whatever order the parts come."""
    parts = [bucket(2, "7"), bucket(0, "5", "2.5"), bucket(4, "6", None, points=3), bucket(5, "9")]

    first, second = fold(reversed(parts), 5)

    assert (
        Bucket(
            time=at(0),
            open=Decimal(5),
            high=Decimal(7),
            low=Decimal(5),
            close=Decimal(6),
            volume=Decimal("3.5"),
            points=5,
        )
        == first
    )
    assert (at(5), Decimal(9)) == (second.time, second.open)


def test_volumes_add_up_exactly() -> None:
    """Twenty digits before the point and eighteen behind it, whatever the context says."""
    large, small = "99999999999999999999", "0.000000000000000001"

    (folded,) = fold([bucket(0, "1", large), bucket(1, "1", small)], 5)

    assert Decimal(f"{large}.{small[2:]}") == folded.volume


def test_a_bucket_without_volume_has_none() -> None:
    """Nothing is not zero."""
    assert fold([bucket(0, "1", None)], 5)[0].volume is None


def test_every_width_is_a_multiple_of_the_one_before() -> None:
    """Folding a width from the next finer one loses nothing."""
    assert [5, 15, 60, 240, 1_440, None] == [wider(width) for width in WIDTHS]
    assert all((wider(width) or width) % width == 0 for width in WIDTHS)
