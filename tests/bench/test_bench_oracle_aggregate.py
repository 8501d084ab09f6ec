"""The oracle's arithmetic beside its peers, in the same process and the same run.

Each peer gets the same points in its own native form, sorted as ours are, and must first give the same answer. What is
timed is the decision alone: window, stale sources, outliers, the three averages, consensus and confidence.
"""

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # no stubs
import polars as pl
import pytest
from py_flare_common.ftso.median import FtsoVote, calculate_median

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import SLOT_OFFSET, encode_integers, slot_matrix
from functions.oracle.core.median import weighted_medians
from functions.oracle.core.points import Points
from functions.oracle.core.price import Aggregate, aggregate, aggregate_many
from functions.oracle.core.rounds import compute_round
from functions.oracle.core.submissions import Reveal
from tests.unit.oracle.facts import flare_feeds

pytestmark = pytest.mark.bench

AT_S = 1_700_000_000
SOURCES, POINTS, WINDOWS = 10, 1_000, 20
VOTERS = 100
SECONDS_PER_FIGURE = 0.7

Answer = tuple[float, float, float, float, float]
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Columns(NamedTuple):
    """A window, sorted by source and time; times in seconds before now."""

    price: Floats
    volume: Floats
    time: Floats
    source: np.ndarray[Any, np.dtype[np.int64]]


def window(seed: int, size: int = POINTS) -> list[tuple[float, float, float, str]]:
    """Points of ten sources around 100, all fresh, 1 % of them wild."""
    numbers = np.random.default_rng(seed)
    price = np.round(100 + numbers.normal(0, 0.05, size), 5)
    price[numbers.random(size) < 0.01] *= 1.2
    volume = np.round(numbers.exponential(3, size) + 0.0001, 4)
    age = np.concatenate([np.full(SOURCES, 1.0), numbers.uniform(2, 179, size - SOURCES)])
    return [
        (float(p), float(v), AT_S - float(a), f"s{row % SOURCES}")
        for row, (p, v, a) in enumerate(zip(price, volume, age, strict=True))
    ]


def plain(columns: Columns) -> Answer:
    """Plain numpy, as one writes it."""
    names = np.unique(columns.source)
    newest = np.array([columns.time[columns.source == name].max() for name in names])
    fresh = np.isin(columns.source, names[newest >= AT_S - 60]) & (columns.time >= AT_S - 180)
    price, volume, moment, source = (column[fresh] for column in columns)
    middle = np.median(price)
    mad = np.median(np.abs(price - middle))
    kept = np.abs(0.6745 * (price - middle) / mad) <= 3.5
    price, volume, moment, source = price[kept], volume[kept], moment[kept], source[kept]

    vwap = np.average(price, weights=volume)
    following = np.where(np.append(source[1:] == source[:-1], False), np.append(moment[1:], AT_S), AT_S)
    twap = np.average(price, weights=following - moment)
    order = np.argsort(price)
    cumulative = np.cumsum(volume[order])
    weighted = price[order][np.searchsorted(cumulative, cumulative[-1] / 2)]
    own = np.array([np.average(price[source == name], weights=volume[source == name]) for name in np.unique(source)])
    consensus = np.sort(own)[(len(own) - 1) // 2]
    spread = np.median(np.abs(own - np.median(own)))
    return float(vwap), float(twap), float(weighted), float(consensus), 1.96 * 1.4826 * float(spread) / len(own) ** 0.5


def with_pandas(frame: pd.DataFrame) -> Answer:
    """One data frame, grouped by source."""
    newest = frame.groupby("source")["time"].transform("max")
    fresh = frame[(newest >= AT_S - 60) & (frame["time"] >= AT_S - 180)]
    middle = fresh["price"].median()
    mad = (fresh["price"] - middle).abs().median()
    kept = fresh[(0.6745 * (fresh["price"] - middle) / mad).abs() <= 3.5]
    held = kept.groupby("source")["time"].shift(-1).fillna(AT_S) - kept["time"]
    money = kept["price"] * kept["volume"]
    ranked = kept[["price", "volume"]].sort_values("price")
    cumulative = ranked["volume"].cumsum().to_numpy()
    weighted = ranked["price"].to_numpy()[np.searchsorted(cumulative, cumulative[-1] / 2)]
    own = money.groupby(kept["source"]).sum() / kept.groupby("source")["volume"].sum()
    consensus = np.sort(own.to_numpy())[(len(own) - 1) // 2]
    spread = (own - own.median()).abs().median()
    return (
        float(money.sum() / kept["volume"].sum()),
        float((kept["price"] * held).sum() / held.sum()),
        float(weighted),
        float(consensus),
        1.96 * 1.4826 * float(spread) / len(own) ** 0.5,
    )


def with_polars(frame: pl.DataFrame) -> Answer:
    """Expressions over one data frame."""
    price, volume, moment = pl.col("price"), pl.col("volume"), pl.col("time")
    fresh = frame.filter((moment.max().over("source") >= AT_S - 60) & (moment >= AT_S - 180))
    distance = (price - price.median()).abs()
    kept = fresh.filter(0.6745 * distance / distance.median() <= 3.5)
    held = moment.shift(-1).over("source").fill_null(AT_S) - moment
    totals = kept.select(
        vwap=(price * volume).sum() / volume.sum(),
        twap=(price * held).sum() / held.sum(),
        weighted=price.sort_by(price).gather(
            volume.sort_by(price).cum_sum().search_sorted(volume.sum() / 2).cast(pl.UInt32)
        ),
    )
    own = kept.group_by("source").agg(own=(price * volume).sum() / volume.sum())["own"].sort()
    spread = (own - own.median()).abs().median()
    vwap, twap, weighted = totals.row(0)
    return vwap, twap, weighted, own[(len(own) - 1) // 2], 1.96 * 1.4826 * float(str(spread)) / len(own) ** 0.5


def duckdb_query(number: int) -> str:
    """The decision over a table as one statement."""
    return f"""
with newest as (select *, max(time) over (partition by source) as last from points_{number}),
fresh as (select * from newest where last >= {AT_S} - 60 and time >= {AT_S} - 180),
centre as (select median(price) as middle from fresh),
scale as (select middle, median(abs(price - middle)) as mad from fresh, centre group by middle),
kept as (select source, time, price, volume from fresh, scale where abs(0.6745 * (price - middle) / mad) <= 3.5),
held as (select *, lead(time, 1, {AT_S}) over (partition by source order by time) - time as seconds,
    sum(volume) over (order by price rows unbounded preceding) as cumulative from kept),
total as (select sum(price * volume) / sum(volume) as vwap, sum(price * seconds) / sum(seconds) as twap,
    sum(volume) / 2 as half from held),
own as (select sum(price * volume) / sum(volume) as own from kept group by source)
select vwap, twap, (select min(price) from held where cumulative >= half),
    (select quantile_disc(own, 0.5) from own),
    (select 1.96 * 1.4826 * median(abs(own - (select median(own) from own))) / sqrt(count(*)) from own)
from total
"""


def in_turn(work: Callable[[int], object]) -> None:
    """The work of each window once."""
    for number in range(WINDOWS):
        work(number)


def ours(result: Aggregate) -> Answer:
    """The five figures."""
    found = (result.vwap, result.twap, result.weighted_median, result.consensus, result.confidence)
    return tuple(value if value is not None else float("nan") for value in found)  # type: ignore[return-value]  # five of them


def best_us(work: Callable[[], object]) -> float:
    """The best time of one call, in microseconds: what the code takes when nobody else takes the processor."""
    for _ in range(3):
        work()
    times: list[int] = []
    until = time.perf_counter() + SECONDS_PER_FIGURE
    while time.perf_counter() < until or len(times) < 5:
        begun = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - begun)
    return min(times) / 1_000


def tell(title: str, figures_us: Mapping[str, float], own: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of times and of ratios to our own."""
    lines = [f"{name:<34}{us:>12.1f} us{us / figures_us[own]:>9.2f} x" for name, us in figures_us.items()]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", title, *lines, ""]))


def test_the_aggregate_of_a_thousand_points_beside_its_peers(capsys: pytest.CaptureFixture[str]) -> None:
    """1,000 points of ten sources: the same answer from all, then the times.

    Twenty windows in turn, because a processor learns the branches of a single one by heart.
    """
    windows = [Points.of(window(seed)) for seed in range(WINDOWS)]
    columns = [
        Columns(points.prices, points.volumes, points.times_us / 1e6, np.repeat(np.arange(SOURCES), points.counts))
        for points in windows
    ]
    in_pandas = [pd.DataFrame(one._asdict()) for one in columns]
    in_polars = [pl.DataFrame(one._asdict()) for one in columns]
    database = duckdb.connect()
    database.execute("set threads = 1")
    for number, frame in enumerate(in_pandas):
        database.register("frame", frame)
        database.execute(f"create table points_{number} as select * from frame")
    peers: dict[str, Callable[[int], Any]] = {
        "Counterpart": lambda number: aggregate(windows[number], AT_S),
        "numpy, plain": lambda number: plain(columns[number]),
        "polars": lambda number: with_polars(in_polars[number]),
        "pandas": lambda number: with_pandas(in_pandas[number]),
        "duckdb": lambda number: database.execute(duckdb_query(number)).fetchone(),
    }

    for number in range(WINDOWS):
        result = aggregate(windows[number], AT_S)
        assert 3 <= len(result.outliers)
        for name in ("numpy, plain", "polars", "pandas", "duckdb"):
            assert pytest.approx(ours(result), rel=1e-9) == tuple(peers[name](number)), name

    figures = {name: best_us(partial(in_turn, work)) / WINDOWS for name, work in peers.items()}
    tell("One aggregate, 1,000 points", figures, "Counterpart", capsys)


@pytest.mark.parametrize("size", [1_000, 180, 30])
def test_aggregates_in_batch(size: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The windows of a round's 63 feeds at one moment, on one core."""
    windows = [Points.of(window(seed, size)) for seed in range(63)]

    assert [aggregate(one, AT_S) for one in windows] == aggregate_many(windows, AT_S)

    batch_us = best_us(lambda: aggregate_many(windows, AT_S))
    with capsys.disabled():
        sys.stdout.write(f"\nIn batch, {size} points each: {len(windows) / batch_us * 1e6:,.0f} aggregations/s\n")


def live_round() -> dict[str, Any]:
    """63 feeds, 100 voters with 16-bit weights, two of whom do not reveal."""
    source = random.Random(9)
    feeds = flare_feeds()
    voters = ["0x" + source.randbytes(20).hex() for _ in range(VOTERS)]
    reveals = {
        voter: Reveal(
            source.getrandbits(256), encode_integers([round(source.gauss(1e6 + at, 300)) for at in range(len(feeds))])
        )
        for voter in voters
    }
    return {
        "commits": {voter: commit_hash(voter, 7, *reveal) for voter, reveal in reveals.items()},
        "reveals": dict(list(reveals.items())[:-2]),
        "weights": {voter: source.randint(1, 655) for voter in voters},
        "feeds": feeds,
        "voting_round": 7,
        "benched": set(voters[:3]),
        "registered_weight": 655 * VOTERS,
    }


def peer_medians(values: Sequence[Sequence[int]], weights: Sequence[int]) -> list[tuple[int, int, int]]:
    """The medians of py-flare-common, feed by feed."""
    found = []
    for feed in zip(*values, strict=True):
        median = calculate_median([FtsoVote(value, weight) for value, weight in zip(feed, weights, strict=True)])
        assert median is not None
        found.append((median.value, median.first_quartile, median.third_quartile))
    return found


def test_a_live_round_beside_flares_own_python(capsys: pytest.CaptureFixture[str]) -> None:
    """Medians alone beside py-flare-common's, in both weight regimes; then the whole round."""
    case = live_round()
    voters = list(case["reveals"])
    weights = [case["weights"][voter] for voter in voters]
    in_wei = [weight * 10**24 for weight in weights]
    slots = slot_matrix([reveal.feed_values for reveal in case["reveals"].values()], len(case["feeds"]))
    values = [[int(slot) - SLOT_OFFSET for slot in row] for row in slots]
    theirs = peer_medians(values, weights)
    result = compute_round(**case)

    assert theirs == [median[:3] for median in weighted_medians(slots, weights)]
    assert theirs == [median[:3] for median in weighted_medians(slots, in_wei)]
    assert theirs == [median[:3] for median in result.medians]

    figures = {
        "medians, 16-bit weights": best_us(lambda: weighted_medians(slots, weights)),
        "medians, weights in wei": best_us(lambda: weighted_medians(slots, in_wei)),
        "py-flare-common's medians": best_us(lambda: peer_medians(values, weights)),
        "whole round: hashes, random, root": best_us(lambda: compute_round(**case)),
    }
    tell("A live round, 63 feeds x 100 voters", figures, "medians, 16-bit weights", capsys)


def test_a_reward_epoch_of_medians(capsys: pytest.CaptureFixture[str]) -> None:
    """3,360 rounds of 63 feeds and 100 voters, side by side."""
    rounds, feeds = 3_360, 63
    slots = np.random.default_rng(3).integers(
        SLOT_OFFSET, SLOT_OFFSET + 10**6, size=(VOTERS, rounds * feeds), dtype=np.uint32
    )
    weights = [random.Random(3).randint(1, 655) for _ in range(VOTERS)]
    begun = time.perf_counter()
    medians = weighted_medians(slots, weights)
    elapsed_s = time.perf_counter() - begun

    assert rounds * feeds == len(medians)
    with capsys.disabled():
        sys.stdout.write(f"\nA reward epoch, 3,360 rounds: {elapsed_s:.2f} s\n")


def test_a_reward_epoch_of_whole_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    """3,360 rounds, each with commits checked, medians, random number and root; they are made up meanwhile, untimed."""
    rounds, case = 3_360, live_round()
    dice, feeds = np.random.default_rng(3), len(case["feeds"])
    voters, roots, elapsed_s, processor_s = list(case["commits"]), set(), 0.0, 0.0
    for number in range(rounds):
        slots = dice.integers(SLOT_OFFSET, SLOT_OFFSET + 10**6, size=(len(voters), feeds), dtype=np.uint32)
        reveals = {
            voter: Reveal(int.from_bytes(dice.bytes(32), "big"), row.astype(">u4").tobytes())
            for voter, row in zip(voters, slots, strict=True)
        }
        commits = {voter: commit_hash(voter, number, *reveal) for voter, reveal in reveals.items()}
        facts = case | {"commits": commits, "reveals": reveals, "voting_round": number}
        begun_s, used_s = time.perf_counter(), time.process_time()
        result = compute_round(**facts)
        elapsed_s, processor_s = elapsed_s + time.perf_counter() - begun_s, processor_s + time.process_time() - used_s
        assert set() == set(result.offenders)
        roots.add(result.merkle_root)

    assert rounds == len(roots)
    with capsys.disabled():
        told = f"{elapsed_s:.2f} s, of the processor {processor_s:.2f} s"
        sys.stdout.write(f"\nA reward epoch, 3,360 whole rounds one after the other: {told}\n")
