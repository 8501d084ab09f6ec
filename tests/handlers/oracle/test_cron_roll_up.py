"""cron_roll_up: points in, candles of six widths out, and what /prices/range says whatever is folded."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest

from functions.oracle.adapters.candles import POINTS_KEPT
from functions.oracle.adapters.decisions import insert_decisions
from functions.oracle.core.candles import WIDTHS, Bucket, begin_of
from functions.oracle.core.decision import commit_to, decide_values
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.cron_roll_up import handler
from functions.oracle.http_prices import app
from functions.oracle.wiring import Deps
from kernel.handler.http import override_deps
from kernel.postgres import Postgres
from kernel.testing.asgi import AsgiClient
from tests.handlers.oracle.provider import Context, pass_time, scheduled_event

pytestmark = pytest.mark.handlers

SOURCES = ("binance", "kraken", "okx")
SEED = 20_261_121


def point(time: datetime, price: str, source: str = "kraken", volume: str | None = "1") -> VenuePrice:
    amount = None if volume is None else Decimal(volume)
    return VenuePrice(base="BTC", quote="USD", price=Decimal(price), volume=amount, time=time, source=source)


def some_points(dice: random.Random, since: datetime, spread_s: int, count: int) -> list[VenuePrice]:
    """Points anywhere in a stretch of time, some of several sources at one instant."""
    return [
        point(
            since + timedelta(seconds=dice.randrange(spread_s)),
            f"{dice.randrange(90_000, 95_000)}.{dice.randrange(100):02}",
            dice.choice(SOURCES),
            dice.choice([None, f"{dice.random():.6f}"]),
        )
        for _ in range(count)
    ]


def slow(points: Iterable[VenuePrice], width: int) -> list[Bucket]:
    """The candles as the definition has them: points in order of time and source, bucket by bucket."""
    first = {(each.source, each.time): each for each in reversed(list(points))}
    ordered = sorted(first.values(), key=lambda each: (each.time, each.source))
    found = []
    for at, group in groupby(ordered, lambda each: begin_of(each.time, width)):
        rows = list(group)
        prices, volumes = [row.price for row in rows], [row.volume for row in rows if row.volume is not None]
        found.append(
            Bucket(
                time=at,
                open=prices[0],
                high=max(prices),
                low=min(prices),
                close=prices[-1],
                volume=sum(volumes, Decimal(0)) if volumes else None,
                points=len(rows),
            )
        )
    return found


def tick(deps: Deps) -> None:
    handler.bind(deps)(scheduled_event(deps.clock.now()), Context())


def stored(deps: Deps, series: str, width: int) -> list[Bucket]:
    table = "oracle.candles" if width < 60 else "oracle.wide_candles"
    with deps.kernel.postgres.transaction() as tx:
        rows = tx.all(
            f"select time, open, high, low, close, volume, points from {table} "
            "where symbol = 'BTC/USD' and series = %(series)s and width_minutes = %(width)s order by time",
            series=series,
            width=width,
        )
    return [Bucket(**row) for row in rows]


def marks(deps: Deps) -> int:
    with deps.kernel.postgres.transaction() as tx:
        return int(tx.one("select count(*) as n from oracle.candle_marks")["n"])


def asked(deps: Deps, start: datetime, stop: datetime, width: int, source: str | None = None) -> list[Bucket]:
    width_s = timedelta(minutes=width)
    return deps.time_series.candles.between("BTC/USD", start=start, stop=stop, width=width_s, source=source)


def batches(points: Sequence[VenuePrice], size: int) -> list[Sequence[VenuePrice]]:
    return [points[at : at + size] for at in range(0, len(points), size)]


def test_candles_are_what_the_points_say_and_late_points_are_in_them(offline: Deps) -> None:
    """Two days in random order, folded after each batch: every width and series equals the slow reference."""
    since = offline.clock.now() - timedelta(days=2)
    points = some_points(random.Random(SEED), since, 2 * 86_400, 600)

    for batch in batches(points, 100):
        offline.repository.store_points(batch, "test")
        tick(offline)

    first_seen = {(each.source, each.time): each for each in reversed(points)}
    for width in WIDTHS:
        assert slow(points, width) == stored(offline, "*", width)
        for source in SOURCES:
            own = [each for each in first_seen.values() if each.source == source]
            assert slow(own, width) == stored(offline, source, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_answer_is_what_the_points_say_however_far_folding_is_behind(offline: Deps, width: int) -> None:
    """Nothing folded, some of it, all of it, and points that came since: the same question has the true answer."""
    since = offline.clock.now() - timedelta(hours=30)
    points = some_points(random.Random(SEED + width), since, 30 * 3_600, 200)
    kept: list[VenuePrice] = []

    for batch in batches(points, 50):
        kept += batch
        offline.repository.store_points(batch, "test")
        for source in (None, "okx"):
            chosen = [each for each in kept if source in (None, each.source)]
            assert slow(chosen, width) == asked(offline, since, offline.clock.now(), width, source)
        tick(offline)
        assert slow(kept, width) == asked(offline, since, offline.clock.now(), width)


def test_the_running_minute_is_left_to_the_next_tick(offline: Deps) -> None:
    """It is still getting points; folding it at each collection would be for nothing."""
    now = offline.clock.now()
    offline.repository.store_points([point(now + timedelta(seconds=1), "100")], "test")

    tick(offline)
    before = (marks(offline), stored(offline, "*", 1))
    pass_time(offline, 60)
    tick(offline)

    assert (1, []) == before
    assert (0, 1) == (marks(offline), len(stored(offline, "*", 1)))


def test_the_same_points_again_mark_nothing(offline: Deps) -> None:
    """A quiet market is collected three times a minute, and folded once."""
    old = offline.clock.now() - timedelta(hours=3)
    offline.repository.store_points([point(old, "100")], "test")
    tick(offline)

    offline.repository.store_points([point(old, "100")], "test")

    assert 0 == marks(offline)


def test_a_point_that_was_being_stored_while_others_were_folded_is_not_lost(offline: Deps, database_url: str) -> None:
    """Its mark becomes visible with it, although an earlier mark of the same minute was used up meanwhile."""
    old = offline.clock.now() - timedelta(hours=1)
    offline.repository.store_points([point(old, "100")], "test")
    other = Deps(offline.kernel, offline.settings)
    slow_writer = Postgres(database_url, role="counterpart_oracle")

    with slow_writer.transaction() as tx:
        tx.execute(
            "with stored as (insert into oracle.prices (symbol, source, time, price, worker_id) "
            "values ('BTC/USD', 'okx', %(at)s, 105, 'test') returning symbol, time) "
            "insert into oracle.candle_marks (symbol, is_consensus, minute) "
            "select symbol, false, date_bin('1 minute', time, 'epoch') from stored",
            at=old,
        )
        tick(other)
        between = stored(offline, "*", 1)[0].points
    slow_writer.close()
    tick(offline)

    assert (1, 2) == (between, stored(offline, "*", 1)[0].points)
    assert 2 == stored(offline, "*", 1_440)[0].points


def test_two_who_fold_at_once_do_not_disturb_each_other(offline: Deps, database_url: str) -> None:
    """The second does nothing and takes no mark."""
    offline.repository.store_points([point(offline.clock.now() - timedelta(hours=1), "100")], "test")
    first = Postgres(database_url, role="counterpart_oracle")

    with first.transaction() as tx:
        tx.one("select pg_advisory_xact_lock(hashtextextended('oracle.candles', 0)) is null as taken")
        tick(offline)
        left = marks(offline)
    first.close()
    tick(offline)

    assert (1, 0) == (left, marks(offline))


def test_a_point_of_a_day_whose_points_are_gone_does_not_replace_its_candle(offline: Deps) -> None:
    """A candle of a thousand points is better than one of the one that came too late."""
    old = offline.clock.now() - POINTS_KEPT - timedelta(days=2)
    offline.repository.store_points([point(old, "100")], "test")

    tick(offline)

    assert (0, []) == (marks(offline), stored(offline, "*", 1))


def test_what_was_decided_is_a_series_of_its_own(offline: Deps) -> None:
    """Its candles keep every digit of the float, folded or not, and have no volume."""
    now = offline.clock.now()
    points = [point(now, "0.1234567890123456", source) for source in SOURCES]
    commitment = commit_to(
        decide_values([Feed(feed_id("BTC/USD"), 2)], points, now, {}),
        submitter="0x" + "22" * 20,
        voting_round=5,
        random=7,
    )
    with offline.kernel.postgres.transaction() as tx:
        insert_decisions(tx, commitment, now)
    fresh = asked(offline, now, now + timedelta(minutes=1), 5, "consensus")
    pass_time(offline, 60)

    tick(offline)

    assert fresh == asked(offline, now, now + timedelta(minutes=1), 5, "consensus") == stored(offline, "@consensus", 5)
    assert (Decimal("0.1234567890123456"), None, 1) == (fresh[0].close, fresh[0].volume, fresh[0].points)


def test_the_api_serves_whole_buckets_of_all_sources_one_or_the_consensus(offline: Deps) -> None:
    """A range that begins within a bucket gets that bucket; what was cut goes on at a border."""
    override_deps(app, offline)
    client, now = AsgiClient(app), offline.clock.now()
    offline.repository.store_points(
        [
            point(now - timedelta(minutes=minute), str(100 + minute), source)
            for minute in range(12)
            for source in SOURCES
        ],
        "test",
    )
    tick(offline)
    query: dict[str, Any] = {
        "symbol": "BTC/USD",
        "from": (now - timedelta(minutes=7)).isoformat(),
        "to": now.isoformat(),
        "interval": "5m",
        "limit": 1,
    }

    first = client.get("/prices/range", params=query).json()
    rest = client.get("/prices/range", params={**query, "from": first["next_from"], "limit": 100}).json()
    one = client.get("/prices/range", params={**query, "source": "okx", "limit": 100}).json()

    assert ["110", "105"] == [candle["open"] for candle in first["candles"] + rest["candles"]]
    assert [15, 15] == [candle["points"] for candle in first["candles"] + rest["candles"]]
    assert [5, 5] == [candle["points"] for candle in one["candles"]]
    assert [] == client.get("/prices/range", params={**query, "source": "consensus"}).json()["candles"]


def test_wide_buckets_are_kept_for_two_years(offline: Deps) -> None:
    """Narrow ones go with their days; these are removed row by row."""
    now = offline.clock.now()
    with offline.kernel.postgres.transaction() as tx:
        for days in (729, 731):
            tx.execute(
                "insert into oracle.wide_candles values ('BTC/USD', '*', 60, %(at)s, 1, 1, 1, 1, null, 1)",
                at=now - timedelta(days=days),
            )

    assert 1 == offline.time_series.candles.remove_old(now)
    assert [now - timedelta(days=729)] == [bucket.time for bucket in stored(offline, "*", 60)]
