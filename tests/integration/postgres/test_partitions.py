"""Daily partitions: made ahead, dropped by retention, and rows that came without one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kernel.postgres import DaysNotReleased, Partitions, Postgres, RowsInDefaultPartition
from kernel.testing import FakeClock

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def database(route_url: str) -> Postgres:
    """One registered table, owned by another slice than the one that maintains it."""
    database = Postgres(route_url, role="counterpart_ops")
    with Postgres(route_url).transaction() as tx:
        tx.execute("create schema if not exists barter authorization counterpart_barter")
        tx.execute("delete from kernel.partitioned_tables")
        tx.execute("insert into kernel.partitioned_tables values ('barter.bids', 3)")
    with database.transaction(role="counterpart_barter") as tx:
        tx.execute(
            "create table barter.bids (id int, time timestamptz not null, primary key (id, time)) "
            "partition by range (time)"
        )
        tx.execute("create table barter.bids_default partition of barter.bids default")
    return database


def insert(database: Postgres, times: Sequence[datetime]) -> None:
    with database.transaction(role="counterpart_barter") as tx:
        tx.many(
            "insert into barter.bids values (%(id)s, %(time)s)", [{"id": i, "time": t} for i, t in enumerate(times)]
        )


def placed(database: Postgres) -> list[tuple[str, datetime]]:
    """Where each row lies."""
    with database.transaction(role="counterpart_barter") as tx:
        rows: list[dict[str, Any]] = tx.all(
            "select tableoid::regclass::text as place, time from barter.bids order by time"
        )
    return [(row["place"], row["time"]) for row in rows]


def test_today_and_seven_days_are_made_once(database: Postgres, clock: FakeClock) -> None:
    """The second maintenance of a day finds nothing to do; the next day adds one."""
    partitions = Partitions(database, clock)

    first, second = partitions.maintain(), partitions.maintain()
    clock.advance(86_400)
    third = partitions.maintain()

    assert first[0].made == tuple(date(2026, 3, 1) + timedelta(days=i) for i in range(8))
    assert second[0].made == ()
    assert third[0].made == (date(2026, 3, 9),)


def test_a_row_lies_in_its_utc_day(database: Postgres, clock: FakeClock) -> None:
    """Midnight belongs to the day it begins."""
    Partitions(database, clock).maintain()
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    insert(database, [midnight - timedelta(microseconds=1), midnight])

    assert [place for place, _ in placed(database)] == ["barter.bids_20260301", "barter.bids_20260302"]


def test_days_past_retention_are_dropped(database: Postgres, clock: FakeClock) -> None:
    """A day is dropped when all of it is older than what is kept, and its rows with it."""
    partitions = Partitions(database, clock)
    partitions.maintain()
    insert(database, [NOON + timedelta(days=i) for i in range(6)])
    clock.advance(5 * 86_400)

    report = partitions.maintain()[0]

    assert report.dropped == ("barter.bids_20260301", "barter.bids_20260302")
    assert [time for _, time in placed(database)] == [NOON + timedelta(days=i) for i in range(2, 6)]


def test_a_day_that_its_table_does_not_release_stays_and_is_alarmed(
    database: Postgres, route_url: str, clock: FakeClock
) -> None:
    """What is to be kept elsewhere is not dropped before it is there; the other days go."""
    partitions = Partitions(database, clock)
    partitions.maintain()
    insert(database, [NOON + timedelta(days=i) for i in range(6)])
    with database.transaction(role="counterpart_barter") as tx:
        tx.execute(
            "create function barter.may_drop(given date) returns boolean language sql stable "
            "as $$ select given <> '2026-03-01' $$"
        )
    with Postgres(route_url).transaction() as tx:
        tx.execute("update kernel.partitioned_tables set released_by = 'barter.may_drop'")
    clock.advance(5 * 86_400)

    with pytest.raises(DaysNotReleased) as alarm:
        partitions.maintain()

    assert alarm.value.details["days"] == "barter.bids: 2026-03-01"
    assert [place for place, _ in placed(database)][:2] == ["barter.bids_20260301", "barter.bids_20260303"]


def test_caught_rows_are_alarmed_and_moved(database: Postgres, clock: FakeClock) -> None:
    """Rows of kept days get their day; rows far off stay where they are and are alarmed again."""
    strays = [NOON - timedelta(days=2), NOON, NOON + timedelta(days=400)]
    insert(database, strays)

    with pytest.raises(RowsInDefaultPartition) as caught:
        Partitions(database, clock).maintain()

    assert caught.value.details["days"] == "barter.bids: 2026-02-27, barter.bids: 2026-03-01, barter.bids: 2027-04-05"
    assert placed(database) == [
        ("barter.bids_20260227", strays[0]),
        ("barter.bids_20260301", strays[1]),
        ("barter.bids_default", strays[2]),
    ]
    with pytest.raises(RowsInDefaultPartition, match="no partition"):
        Partitions(database, clock).maintain()


def test_partitions_have_the_indexes_of_their_table(database: Postgres, clock: FakeClock) -> None:
    """An index of the parent is on every day, also the unique one."""
    Partitions(database, clock).maintain()
    with database.transaction(role="counterpart_barter") as tx:
        found = tx.one(
            "select count(*) as n from pg_indexes where schemaname = 'barter' and tablename like 'bids_2026%%'"
        )

    assert found["n"] == 8


def test_the_registered_tables_of_the_house_are_maintained(database_url: str) -> None:
    """Every table that a migration registers exists and takes its partitions."""
    database = Postgres(database_url, role="counterpart_ops")

    report = {each.table: len(each.made) for each in Partitions(database).maintain()}

    names = ("contests.market_data", "contests.market_visits", "oracle.candles", "oracle.judgements", "oracle.prices")
    assert dict.fromkeys(names, 8) == report
