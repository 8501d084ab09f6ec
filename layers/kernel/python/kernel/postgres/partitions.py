"""Owns daily partitions: days are made before they begin and dropped when they are no longer kept.

The tables are those registered in kernel.partitioned_tables. Each has a default partition, so that no row is ever
refused; a row found there means that its day was not made in time. Such rows are moved into a partition of their own
day and reported, because the next maintenance must not depend on luck again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from kernel.clock import Clock, SystemClock
from kernel.errors import Broken
from kernel.postgres.connection import Postgres
from kernel.postgres.queries import Queries

Q = Queries.load(Path(__file__).with_name("partitions.sql"))

DAYS_AHEAD = 7


class RowsInDefaultPartition(Broken):
    """Rows came for a day that has no partition."""

    cause = "Partitions were not made ahead (ops/cron_partitions did not run), or rows carry a wrong time."
    remedy = "Look at the days in details; rows of days that are kept were moved to partitions of their own."


class DaysNotReleased(Broken):
    """Days that are past their time are still there."""

    cause = "Their table does not release them: what is to be kept of them elsewhere is not there, or not all of it."
    remedy = "Find out why they were not exported (for oracle.prices, oracle/cron_export_points); nothing was dropped."


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """What was done for one table."""

    table: str
    made: tuple[date, ...]
    dropped: tuple[str, ...]
    #: Days whose rows lay in the default partition when the maintenance began.
    caught: tuple[date, ...]
    #: Days past their time that the table does not release.
    held: tuple[date, ...]


class Partitions:
    """The registered tables' partitions. Each table is altered as its owner, in a transaction of its own."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock = clock or SystemClock()

    def maintain(self) -> list[Maintenance]:
        """Make and drop what is due for every registered table.

        After all the work, raises RowsInDefaultPartition when rows were found where none belong, and DaysNotReleased
        when a table keeps days that should be gone.
        """
        today = self._clock.now().date()
        with self._postgres.transaction() as tx:
            tables = tx.all(Q["registered_tables"])
        done = [self._maintain(row["table_name"], row["keep_days"], row["owner"], today) for row in tables]
        if caught := [f"{each.table}: {day}" for each in done for day in each.caught]:
            raise RowsInDefaultPartition(days=", ".join(caught))
        if held := [f"{each.table}: {day}" for each in done for day in each.held]:
            raise DaysNotReleased(days=", ".join(held))
        return done

    def _maintain(self, table: str, keep_days: int, owner: str, today: date) -> Maintenance:
        with self._postgres.transaction(role=owner) as tx:
            caught = tuple(row["day"] for row in tx.all(Q["days_in_default"], table=table))
            made = tuple(
                day
                for day in days_to_have(today, keep_days, caught)
                if tx.one(Q["create_day_partition"], table=table, day=day)["made"]
            )
            before = first_day_kept(today, keep_days)
            dropped = tuple(row["name"] for row in tx.all(Q["drop_day_partitions"], table=table, before=before))
            held = tuple(row["day"] for row in tx.all(Q["days_before"], table=table, before=before))
        return Maintenance(table=table, made=made, dropped=dropped, caught=caught, held=held)


def first_day_kept(today: date, keep_days: int) -> date:
    """The oldest day that is kept: a day goes when all of it is older than `keep_days` days."""
    return today - timedelta(days=keep_days)


def days_to_have(today: date, keep_days: int, caught: tuple[date, ...] = ()) -> Iterator[date]:
    """Today, the days ahead, and the days of stray rows that are within what is kept, in order."""
    last = today + timedelta(days=DAYS_AHEAD)
    ahead = {today + timedelta(days=i) for i in range(DAYS_AHEAD + 1)}
    strays = {day for day in caught if first_day_kept(today, keep_days) <= day <= last}
    yield from sorted(ahead | strays)
