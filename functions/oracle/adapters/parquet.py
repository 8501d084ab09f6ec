"""Raw points as a Parquet file: zstd, in order of time, prices and volumes as the text of their decimals.

Text, because a decimal of Parquet has one scale for all rows and at most 38 digits, and a point that comes back must be
what was stored, trailing zeros included. Every reader casts it: `price::decimal(38, 18)`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

from functions.oracle.core.stored_points import StoredPoint
from kernel.moments import from_unix_us, unix_us

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

#: Ten minutes of points; a reader of one voting round's window skips all others.
ROW_GROUP: Final = 20_480
FETCHED: Final = 10_000
#: A day is ten times larger than this as Python's values: nothing ever holds it whole.
MEMORY_MAX: Final = "128MB"
_UNNOTED: Final = -1
# Types are said, because a page in which nothing has a volume tells none.
_PAGE: Final = """
    select symbol::varchar as symbol, source::varchar as source, make_timestamp(time_us) as time,
        price::varchar as price, volume::varchar as volume, worker_id::varchar as worker_id,
        make_timestamp(ingested_us) as ingested_at, nullif(stored_in, -1) as stored_in
    from page
"""
_READ: Final = """
    select symbol, source, epoch_us(time), price, volume, worker_id, epoch_us(ingested_at), stored_in
    from read_parquet($path)
    where ($start is null or time >= make_timestamp($start)) and ($stop is null or time < make_timestamp($stop))
"""


class ParquetFile(AbstractContextManager["ParquetFile"]):
    """A file that is written page by page, in a folder that is gone afterwards. Times are UTC without saying so."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="points-")
        self._database = connect()
        self._parts: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, points: Sequence[StoredPoint]) -> None:
        """A further page; pages come in the order of time."""
        if points or not self._parts:
            self._database.register("page", _columns_of(points))
            self._write(self._database.sql(_PAGE), self._part(len(self._parts)))
            self._parts.append(self._part(len(self._parts)))
            self._database.unregister("page")

    def content(self) -> bytes:
        """The whole file, which has at least one page."""
        whole = self._part("whole")
        self._write(self._database.read_parquet([str(part) for part in self._parts]), whole)
        return whole.read_bytes()

    def _write(self, rows: "DuckDBPyRelation", path: Path) -> None:
        rows.write_parquet(str(path), compression="zstd", row_group_size=ROW_GROUP)

    def _part(self, name: object) -> Path:
        return Path(self._folder.name) / f"{name}.parquet"


def points_in(content: bytes, start: datetime | None = None, stop: datetime | None = None) -> Iterator[StoredPoint]:
    """The points of a file in its order, or those of [start, stop)."""
    with TemporaryDirectory(prefix="points-") as folder:
        path = Path(folder) / "read.parquet"
        path.write_bytes(content)
        yield from points_at(path, start, stop)


def points_at(path: Path, start: datetime | None = None, stop: datetime | None = None) -> Iterator[StoredPoint]:
    """The same of a file on disk."""
    database = connect()
    try:
        database.execute(_READ, {"path": str(path), "start": _bound(start), "stop": _bound(stop)})
        while rows := database.fetchmany(FETCHED):
            yield from map(_point, rows)
    finally:
        database.close()


def connect() -> "DuckDBPyConnection":
    """A database in memory that asks nobody for anything. One thread, so that rows keep their order."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": MEMORY_MAX,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def _columns_of(points: Sequence[StoredPoint]) -> dict[str, Any]:
    import numpy as np

    def texts(values: list[str | None]) -> Any:
        return np.array(values, dtype=object)

    return {
        "symbol": texts([point.symbol for point in points]),
        "source": texts([point.source for point in points]),
        "time_us": np.array([unix_us(point.time) for point in points], dtype=np.int64),
        "price": texts([format(point.price, "f") for point in points]),
        "volume": texts([None if point.volume is None else format(point.volume, "f") for point in points]),
        "worker_id": texts([point.worker_id for point in points]),
        "ingested_us": np.array([unix_us(point.ingested_at) for point in points], dtype=np.int64),
        "stored_in": np.array(
            [_UNNOTED if point.stored_in is None else point.stored_in for point in points], dtype=np.int64
        ),
    }


def _point(row: tuple[Any, ...]) -> StoredPoint:
    symbol, source, time_us, price, volume, worker_id, ingested_us, stored_in = row
    return StoredPoint(
        symbol,
        source,
        from_unix_us(time_us),
        Decimal(price),
        None if volume is None else Decimal(volume),
        worker_id,
        from_unix_us(ingested_us),
        stored_in,
    )


def _bound(moment: datetime | None) -> int | None:
    return None if moment is None else unix_us(moment)
