"""Owns candles: how buckets fold into wider ones, and which buckets answer a question exactly.

Buckets have six widths, each a multiple of the one before, all counted from the epoch: a day begins at midnight UTC. A
minute that got points since it was folded is marked, and with it every bucket that it lies in. A question for [start,
stop) is answered from

1. buckets of its own width, where no minute of theirs is marked;
2. in the others, buckets of the next finer width by the same rule;
3. the points themselves, for the marked minutes that are left at the end.

So an answer is what the points say at that moment, however far the folding is behind.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from itertools import groupby
from typing import Final

#: In minutes.
WIDTHS: Final = (1, 5, 15, 60, 240, 1_440)
#: The width of what is not folded.
POINTS: Final = 0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
#: A stored number has 38 digits at most (ingest.py), their products 76: sums of them are exact, whatever the caller's
#: context is.
_EXACT: Final = Context(prec=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Points of an interval folded into one row; `time` is where it begins."""

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    points: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time [start, stop), and the width of the buckets that tell of it, or POINTS."""

    width: int
    start: datetime
    stop: datetime


def begin_of(moment: datetime, width: int) -> datetime:
    """Where the bucket of a moment begins."""
    return moment - (moment - _EPOCH) % (width * _MINUTE)


def whole(start: datetime, stop: datetime, width: int) -> tuple[datetime, datetime]:
    """The range widened to whole buckets: a bucket is what it is, whoever asks for a part of it."""
    return begin_of(start, width), begin_of(stop - timedelta.resolution, width) + width * _MINUTE


def spans(start: datetime, stop: datetime, width: int, marked: Collection[datetime]) -> list[Span]:
    """Disjoint spans that cover [start, stop), whole buckets of `width`, in order. `marked` are where minutes begin."""
    by_bucket = groupby(sorted(minute for minute in marked if start <= minute < stop), lambda at: begin_of(at, width))
    found, reached = [], start
    for bucket, minutes in by_bucket:
        if reached < bucket:
            found.append(Span(width, reached, bucket))
        reached = bucket + width * _MINUTE
        found += _within(bucket, reached, width, list(minutes))
    return [*found, Span(width, reached, stop)] if reached < stop else found


def fold(buckets: Iterable[Bucket], width: int) -> list[Bucket]:
    """Finer buckets, or those of this width, as buckets of `width`, oldest first. No two are of the same time."""
    ordered = sorted(buckets, key=lambda bucket: bucket.time)
    return [_folded(at, list(parts)) for at, parts in groupby(ordered, lambda bucket: begin_of(bucket.time, width))]


def wider(width: int) -> int | None:
    """The next width, of which this one is a part."""
    place = WIDTHS.index(width) + 1
    return WIDTHS[place] if place < len(WIDTHS) else None


def _within(start: datetime, stop: datetime, width: int, marked: Sequence[datetime]) -> Iterator[Span]:
    """The spans of one bucket with marked minutes."""
    if width == WIDTHS[0]:
        yield Span(POINTS, start, stop)
    else:
        yield from spans(start, stop, WIDTHS[WIDTHS.index(width) - 1], marked)


def _folded(at: datetime, parts: Sequence[Bucket]) -> Bucket:
    volumes = [part.volume for part in parts if part.volume is not None]
    total = Decimal(0)
    for volume in volumes:
        total = _EXACT.add(total, volume)
    return Bucket(
        time=at,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=total if volumes else None,
        points=sum(part.points for part in parts),
    )
