"""Owns a window of price points as columns, in the one order in which they are added up.

Points are ordered by source, then time, then price, then volume. Binary floating point depends on the order of
additions, so the same stored points give the same columns, and the same columns the same bits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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
class Points:
    """Columns of a window; build them with `Points.of`."""

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
    ends: npt.NDArray[np.intp] = field(init=False)
    is_volume_complete: bool = field(init=False)
    oldest_us: int = field(init=False)
    newest_us: int = field(init=False)
    #: The newest point of the source that has been silent for longest.
    stalest_us: int = field(init=False)

    def __post_init__(self) -> None:
        ends = np.append(self.starts[1:], len(self.prices))[: len(self.starts)] - 1
        lasts = self.times_us[ends]
        for name, value in {
            "ends": ends,
            "is_volume_complete": bool(self.has_volume.all()),
            "oldest_us": int(self.times_us[self.starts].min(initial=2**62)),
            "newest_us": int(lasts.max(initial=-(2**62))),
            "stalest_us": int(lasts.min(initial=2**62)),
        }.items():
            object.__setattr__(self, name, value)

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
        names, starts = _runs([row[0] for row in rows])
        return cls(
            prices=prices,
            volumes=volumes,
            has_volume=np.array([row[3] for row in rows], dtype=np.bool_),
            times_us=np.array([row[1] for row in rows], dtype=np.int64),
            origins=np.array([row[5] for row in rows], dtype=np.intp),
            sources=names,
            starts=starts,
        )

    def __len__(self) -> int:
        return len(self.prices)

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """How many points each source has."""
        return self.ends - self.starts + 1

    def where(self, kept: npt.NDArray[np.bool_]) -> "Points":
        """The window with only the rows for which `kept` is true; a source without rows is gone."""
        per_source = np.add.reduceat(kept, self.starts, dtype=np.intp)
        remaining = per_source > 0
        return Points(
            prices=self.prices[kept],
            volumes=self.volumes[kept],
            has_volume=self.has_volume[kept],
            times_us=self.times_us[kept],
            origins=self.origins[kept],
            sources=tuple(name for name, stays in zip(self.sources, remaining, strict=True) if stays),
            starts=(np.cumsum(per_source) - per_source)[remaining],
        )


def microseconds(moment: Moment) -> int:
    """A moment as whole microseconds since 1970; exact for aware datetimes."""
    return (moment - _EPOCH) // _MICROSECOND if isinstance(moment, datetime) else round(moment * 1_000_000)


def _runs(names: Sequence[str]) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """The distinct names of a sorted column and the row at which each begins."""
    starts = [row for row, name in enumerate(names) if row == 0 or name != names[row - 1]]
    return tuple(names[row] for row in starts), np.array(starts, dtype=np.intp)
