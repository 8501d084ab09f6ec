"""Parquet files of raw points: every digit comes back."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from functions.oracle.adapters.parquet import ParquetFile, points_in
from functions.oracle.core.stored_points import StoredPoint

pytestmark = pytest.mark.unit

MIDNIGHT = datetime(2026, 11, 14, tzinfo=UTC)
AWKWARD = [
    StoredPoint("BTC/USD", "a", MIDNIGHT, Decimal("1.50"), None, "w", MIDNIGHT, None),
    StoredPoint(
        "BTC/USD", "b", MIDNIGHT, Decimal("99999999999999999999.999999999999999999"), Decimal(0), "w", MIDNIGHT, 1
    ),
    StoredPoint("SHIB/USDT", "c", MIDNIGHT, Decimal("0.000000000000000001"), Decimal("1E+3"), "w-2", MIDNIGHT, 2**62),
    StoredPoint("X/USD", "c", MIDNIGHT + timedelta(microseconds=1), Decimal(1), Decimal(1), "w", MIDNIGHT, 3),
]


def written(*pages: list[StoredPoint]) -> bytes:
    with ParquetFile() as file:
        for page in pages:
            file.add(page)
        return file.content()


def test_every_digit_comes_back_in_order() -> None:
    """Trailing zeros, the largest and the smallest number, no volume, no transaction, microseconds."""
    back = list(points_in(written(AWKWARD[:2], [], AWKWARD[2:])))

    assert AWKWARD == back
    assert ["1.50", "1000"] == [str(back[0].price), str(back[2].volume)]


def test_a_page_without_any_volume_does_not_say_what_a_volume_is() -> None:
    """Its column is like that of the others."""
    assert AWKWARD[:2] == list(points_in(written(AWKWARD[:1], AWKWARD[1:2])))


def test_a_day_without_points_is_a_file_too() -> None:
    """It has the columns and no row."""
    assert [] == list(points_in(written([], [])))


def test_a_stretch_of_time_is_read_by_itself() -> None:
    """Its end is not part of it."""
    content = written(AWKWARD)

    assert AWKWARD[:3] == list(points_in(content, MIDNIGHT, MIDNIGHT + timedelta(microseconds=1)))
    assert AWKWARD[3:] == list(points_in(content, MIDNIGHT + timedelta(microseconds=1)))


def test_others_read_the_file_as_it_says(tmp_path: Path) -> None:
    """Compressed with zstd, named columns, numbers that cast to decimals."""
    path = tmp_path / "day.parquet"
    path.write_bytes(written(AWKWARD))
    database = duckdb.connect()

    codecs = database.execute(f"select distinct compression from parquet_metadata('{path}')").fetchall()
    prices = database.execute(f"select price::decimal(38, 18) from '{path}' where symbol = 'BTC/USD'").fetchall()

    assert [("ZSTD",)] == codecs
    assert [(Decimal("1.5"),), (Decimal("99999999999999999999.999999999999999999"),)] == prices


def test_many_points_take_few_bytes() -> None:
    """The text of prices costs no more than their digits: a third of a row of Postgres at most."""
    dice = random.Random(20_261_121)
    points = [
        StoredPoint(
            f"F{number % 63}/USD",
            f"venue{number % 10}",
            MIDNIGHT + timedelta(milliseconds=30 * number),
            Decimal(dice.randrange(10**6, 10**7)).scaleb(-2),
            Decimal(dice.randrange(10**6)).scaleb(-3),
            "collector",
            MIDNIGHT,
            number // 60,
        )
        for number in range(20_000)
    ]

    content = written(points)

    assert points == list(points_in(content))
    assert len(content) < 25 * len(points)
