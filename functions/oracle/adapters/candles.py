"""Candles, stored: folded from marked minutes, read with the points of the minutes that are not folded yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from functions.oracle.core.candles import POINTS, WIDTHS, Bucket, Span, begin_of, fold, spans, whole, wider
from kernel.clock import Clock
from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("candles.sql"))
#: Sources' names are without such characters.
ALL_SOURCES, CONSENSUS = "*", "@consensus"
#: Raw points are there for 30 days, which end in the middle of a run at midnight: a day less is sure to be whole.
POINTS_KEPT = timedelta(days=29)
WIDE_KEPT = timedelta(days=730)
#: Half a minute of 63 feeds in USD and USDT at every collection; folded in a quarter of a second.
MARKS_A_STEP: Final = 1_000
#: A day of wide buckets is half as many; in one statement well under a second.
REMOVED_MAX: Final = 100_000
_NARROW: Final = frozenset((1, 5, 15))
Key = tuple[str, str, datetime]


@dataclass(slots=True)
class Folded:
    """What a run did: marked minutes that it folded, buckets that it wrote, minutes whose points are gone."""

    minutes: int = 0
    buckets: int = 0
    too_late: int = 0


class Candles:
    """The candles of every series."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock

    def between(
        self, symbol: str, *, start: datetime, stop: datetime, width: timedelta, source: str | None
    ) -> list[Bucket]:
        """The whole buckets that [start, stop) touches and that have points, oldest first.

        source: one source, "consensus" for what was decided, None for all sources together.
        """
        minutes = width // timedelta(minutes=1)
        first, last = whole(start, stop, minutes)
        series = {None: ALL_SOURCES, "consensus": CONSENSUS}.get(source, source)
        with self._postgres.transaction() as tx:
            marked = tx.all(
                Q["marked_minutes"], symbol=symbol, is_consensus=series == CONSENSUS, start=first, stop=last
            )
            wanted = spans(first, last, minutes, {row["minute"] for row in marked})
            found = [bucket for each in (POINTS, *WIDTHS) for bucket in _read(tx, symbol, str(series), each, wanted)]
        return fold(found, minutes)

    def fold_marked(self, before: datetime, *, seconds: float) -> Folded:
        """Fold the minutes before a moment that got points since they were folded; stops begun work at no point.

        Every step is a transaction that removes the marks and writes what they are about. Two runs at once do not
        disturb each other: one of them does nothing.
        """
        until_s, done = self._clock.time_s() + seconds, Folded()
        while self._clock.time_s() < until_s and self._fold_some(before, done):
            pass
        return done

    def remove_old(self, now: datetime) -> int:
        """Retention of the wide ones; how many went. Narrow ones go with their partitions."""
        with self._postgres.transaction() as tx:
            return tx.execute(Q["remove_wide_buckets"], before=now - WIDE_KEPT, limit=REMOVED_MAX)

    def _fold_some(self, before: datetime, done: Folded) -> bool:
        """One step; whether there may be more to do."""
        kept_from = datetime.combine((self._clock.now() - POINTS_KEPT).date(), time(), UTC)
        with self._postgres.transaction(first=(Q["lock_folding"], {})) as tx:
            if not tx.opened[0]["held"]:
                return False
            marks = tx.all(Q["take_marks"], before=before, limit=MARKS_A_STEP)
            usable = [mark for mark in marks if mark["minute"] >= kept_from or mark["is_consensus"]]
            keys = _fold_minutes(tx, "fold_points", [mark for mark in usable if not mark["is_consensus"]])
            keys |= _fold_minutes(tx, "fold_decisions", [mark for mark in usable if mark["is_consensus"]])
            written = len(keys) + _fold_on(tx, keys)
        done.minutes += len(usable)
        done.buckets += written
        done.too_late += len(marks) - len(usable)
        return bool(marks)


def _fold_minutes(tx: Transaction, statement: str, marks: Sequence[dict[str, Any]]) -> set[Key]:
    """Write marked minutes; the series that have them now."""
    if not marks:
        return set()
    minutes = [mark["minute"] for mark in marks]
    rows = tx.all(
        Q[statement],
        symbols=[mark["symbol"] for mark in marks],
        minutes=minutes,
        **_bounds(minutes, 1),
    )
    return {(row["symbol"], row["series"], row["time"]) for row in rows}


def _fold_on(tx: Transaction, minutes: Iterable[Key]) -> int:
    """Write the wider buckets of written minutes, each width from the one before; how many."""
    written, finer, width = 0, WIDTHS[0], wider(WIDTHS[0])
    keys = set(minutes)
    while width is not None and keys:
        keys = {(symbol, series, begin_of(at, width)) for symbol, series, at in keys}
        statement = "fold_narrow" if width in _NARROW else "fold_hours" if finer in _NARROW else "fold_wide"
        symbols, series, times = zip(*sorted(keys), strict=True)
        given = {"symbols": list(symbols), "series": list(series), "times": list(times)}
        written += tx.execute(Q[statement], width=width, finer=finer, **given, **_bounds(times, width))
        finer, width = width, wider(width)
    return written


def _bounds(times: Sequence[datetime], width: int) -> dict[str, datetime]:
    return {"first": min(times), "last": max(times) + timedelta(minutes=width)}


def _read(tx: Transaction, symbol: str, series: str, width: int, wanted: Sequence[Span]) -> list[Bucket]:
    """What one width has to say."""
    chosen = [span for span in wanted if span.width == width]
    if not chosen:
        return []
    given: dict[str, Any] = {
        "symbol": symbol,
        "starts": [span.start for span in chosen],
        "stops": [span.stop for span in chosen],
        "first": chosen[0].start,
        "last": chosen[-1].stop,
    }
    if width != POINTS:
        rows = tx.all(Q["narrow_buckets" if width in _NARROW else "wide_buckets"], series=series, width=width, **given)
    elif series == CONSENSUS:
        rows = tx.all(Q["minutes_of_decisions"], **given)
    else:
        rows = tx.all(Q["minutes_of_points"], source=None if series == ALL_SOURCES else series, **given)
    return [Bucket(**row) for row in rows]
