"""cron_export_points: an hour in, the exports of the days that are due out."""

from datetime import date, datetime, timedelta

import pytest

from functions.oracle.cron_export_points import handler
from functions.oracle.wiring import Deps
from kernel.postgres import Partitions
from tests.handlers.oracle.provider import Context, scheduled_event

pytestmark = pytest.mark.handlers


def asked(deps: Deps) -> list[str]:
    """Run the hour; the keys of all exports ever asked for."""
    handler.bind(deps)(scheduled_event(deps.clock.now()), Context())
    with deps.kernel.postgres.transaction() as tx:
        rows = tx.all("select business_key from kernel.tasks where kind = 'oracle.export_points' order by business_key")
    return [row["business_key"] for row in rows]


def with_days(deps: Deps, *days_ago: int) -> None:
    """The partitions of these days."""
    with deps.kernel.postgres.transaction() as tx:
        for ago in days_ago:
            day = deps.clock.now().date() - timedelta(days=ago)
            tx.execute("select kernel.create_day_partition('oracle.prices', %(day)s)", day=day)


def test_days_are_asked_for_once_when_all_of_them_is_a_week_old(offline: Deps) -> None:
    """However often the hour strikes; a day that is not over for a week waits."""
    with_days(offline, 7, 8, 9)

    first, second = asked(offline), asked(offline)

    assert ["2026-11-12:1", "2026-11-13:1"] == first == second


def test_an_exported_day_is_asked_for_again_only_when_points_came_to_it(offline: Deps) -> None:
    """Counted when it is about to be dropped, as its next generation."""
    with_days(offline, 10, 30)
    with offline.kernel.postgres.transaction() as tx:
        for day in (date(2026, 11, 11), date(2026, 10, 22)):
            tx.execute(
                "insert into oracle.point_exports values (%(day)s, 1, 'key', 0, sha256(''), sha256(''), 1, %(now)s)",
                day=day,
                now=offline.clock.now(),
            )
    quiet = asked(offline)
    with offline.kernel.postgres.transaction() as tx:
        for time in (datetime.fromisoformat("2026-11-11T05:00Z"), datetime.fromisoformat("2026-10-22T05:00Z")):
            tx.execute(
                "insert into oracle.prices (symbol, source, time, price, worker_id) "
                "values ('BTC/USD', 'okx', %(time)s, 1, 'test')",
                time=time,
            )

    assert ([], ["2026-10-22:2"]) == (quiet, asked(offline))


def test_the_maintenance_drops_a_day_only_when_its_export_has_every_point(offline: Deps) -> None:
    """Not exported: stays. One point short: stays. Complete: goes."""
    with_days(offline, 31, 32, 33)
    days = [offline.clock.now().date() - timedelta(days=ago) for ago in (31, 32, 33)]
    with offline.kernel.postgres.transaction() as tx:
        for day, recorded in zip(days[:2], (2, 1), strict=True):
            tx.execute(
                "insert into oracle.prices (symbol, source, time, price, worker_id) "
                "values ('BTC/USD', 'okx', %(day)s, 1, 'test')",
                day=datetime.combine(day, datetime.min.time()).isoformat() + "+00",
            )
            tx.execute(
                "insert into oracle.point_exports values "
                "(%(day)s, 1, 'key', %(points)s, sha256(''), sha256(''), 1, now())",
                day=day,
                points=recorded,
            )

    with pytest.raises(Exception, match="past their time") as alarm:
        Partitions(offline.kernel.postgres, offline.clock).maintain()

    kept = [f"oracle.prices: {day}" for day in sorted((days[0], days[2]))]
    assert ", ".join(kept) == alarm.value.details["days"]  # type: ignore[attr-defined]  # a CounterpartError's
    with offline.kernel.postgres.transaction() as tx:
        gone = tx.one("select to_regclass(%(name)s) is null as gone", name=f"oracle.prices_{days[1]:%Y%m%d}")
    assert gone["gone"]
