"""Owns a window of price points as columns, in the one order in which they are added up.

Points are ordered by source, then time, then price, then volume. Binary floating point depends on the order of
additions, so the same stored points give the same columns, and the same columns the same bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from kernel.errors import Invalid

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Number = Decimal | float | int | str
Moment = datetime | float


class PointUnfit(Invalid):
    """A price is positive and finite, a volume finite and not negative."""

    cause = "A point came past the rules of ingestion."
    remedy = "Check points with ingest.accept before they are stored."


class Point(NamedTuple):
    """One price of one source. `volume` is None where the venue gives none; `time` is aware, or Unix seconds."""

    price: Number
    volume: Number | None
    time: Moment
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Rows ordered by source and time, some sources of which may have been left out."""

    prices: npt.NDArray[np.float64]
    #: 0 where the venue gives none.
    volumes: npt.NDArray[np.float64]
    has_volume: npt.NDArray[np.bool_]
    times_us: npt.NDArray[np.int64]
    #: Where each row stood in what the window was built from.
    origins: npt.NDArray[np.intp]
    sources: tuple[str, ...]
    #: The first row of each source.
    starts: npt.NDArray[np.intp]
    #: The last row of each source.
    ends: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.prices)

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """How many rows each source has."""
        return self.ends - self.starts + 1

    def take(self, rows: npt.NDArray[np.intp]) -> "Columns":
        """Only these rows, which ascend; a source without rows is gone."""
        starts = rows.searchsorted(self.starts)
        ends = rows.searchsorted(self.ends, side="right") - 1
        sources, remaining = self.sources, ends >= starts
        if not remaining.all():
            starts, ends = starts[remaining], ends[remaining]
            sources = tuple(name for name, stays in zip(sources, remaining, strict=True) if stays)
        return Columns(
            prices=self.prices[rows],
            volumes=self.volumes[rows],
            has_volume=self.has_volume[rows],
            times_us=self.times_us[rows],
            origins=self.origins[rows],
            sources=sources,
            starts=starts,
            ends=ends,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points(Columns):
    """A whole window; build it with `Points.of`."""

    oldest_us: int
    newest_us: int
    #: The newest point of the source that has been silent for longest.
    stalest_us: int

    @classmethod
    def of(cls, points: Iterable[Point | tuple[Number, Number | None, Moment, str]]) -> "Points":
        """The columns of points in any order. Raises PointUnfit."""
        rows = sorted(
            (source, microseconds(time), float(price), volume is not None, float(volume or 0), origin)
            for origin, (price, volume, time, source) in enumerate(points)
        )
        prices, volumes = np.array([row[2] for row in rows]), np.array([row[4] for row in rows])
        if not (np.isfinite(prices) & (prices > 0) & np.isfinite(volumes) & (volumes >= 0)).all():
            raise PointUnfit
        starts = [row for row in range(len(rows)) if row == 0 or rows[row][0] != rows[row - 1][0]]
        ends = [start - 1 for start in starts[1:]] + [len(rows) - 1] * bool(rows)
        return cls(
            prices=prices,
            volumes=volumes,
            has_volume=np.array([row[3] for row in rows], dtype=np.bool_),
            times_us=np.array([row[1] for row in rows], dtype=np.int64),
            origins=np.array([row[5] for row in rows], dtype=np.intp),
            sources=tuple(rows[start][0] for start in starts),
            starts=np.array(starts, dtype=np.intp),
            ends=np.array(ends, dtype=np.intp),
            oldest_us=min((rows[start][1] for start in starts), default=0),
            newest_us=max((rows[end][1] for end in ends), default=0),
            stalest_us=min((rows[end][1] for end in ends), default=0),
        )


def microseconds(moment: Moment) -> int:
    """A moment as whole microseconds since 1970; exact for aware datetimes."""
    return (moment - _EPOCH) // _MICROSECOND if isinstance(moment, datetime) else round(moment * 1_000_000)
