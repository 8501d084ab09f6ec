"""Which price points are accepted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.ingest import (
    NothingUsable,
    Observation,
    Refusal,
    accept,
    decimal_of,
    judge,
    lateness,
    time_of,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD = {
    "symbol": "BTC/USDT",
    "price": "91234.50",
    "volume": "0.125",
    "source": "kraken",
    "timestamp": "2026-11-21T11:59:58Z",
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def test_a_good_point_is_accepted_as_decimals() -> None:
    """With its own digits, at its own time."""
    assert judge(GOOD, NOW) == Observation(
        symbol="BTC/USDT",
        price=Decimal("91234.50"),
        volume=Decimal("0.125"),
        time=NOW - timedelta(seconds=2),
        source="kraken",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "btc/USD"}, "symbol_malformed"),
        ({"symbol": "BTC/USD1"}, "symbol_malformed"),
        ({"symbol": "BTC-USD"}, "symbol_malformed"),
        ({"symbol": "BTC/USD\n"}, "symbol_malformed"),
        ({"symbol": "/USD"}, "symbol_malformed"),
        ({"symbol": "B" * 61 + "/USD"}, "symbol_malformed"),
        ({"symbol": None}, "symbol_malformed"),
        ({"symbol": 5}, "symbol_malformed"),
        ({"symbol": "DOGE/USD"}, "symbol_unknown"),
        ({"source": ""}, "source_malformed"),
        ({"source": "Kraken"}, "source_malformed"),
        ({"source": "k" * 65}, "source_malformed"),
        ({"source": None}, "source_malformed"),
        ({"source": "consensus"}, "source_reserved"),
        ({"price": "0"}, "price_not_positive"),
        ({"price": "-1"}, "price_not_positive"),
        ({"price": "NaN"}, "price_not_positive"),
        ({"price": "Infinity"}, "price_not_positive"),
        ({"price": float("nan")}, "price_not_positive"),
        ({"price": "1e400"}, "price_not_positive"),
        ({"price": "0." + "0" * 18 + "1"}, "price_not_positive"),
        ({"price": "ten"}, "price_not_positive"),
        ({"price": None}, "price_not_positive"),
        ({"price": True}, "price_not_positive"),
        ({"price": ["1"]}, "price_not_positive"),
        ({"volume": "-0.1"}, "volume_negative"),
        ({"volume": "NaN"}, "volume_negative"),
        ({"volume": "much"}, "volume_negative"),
        ({"timestamp": "yesterday"}, "timestamp_malformed"),
        ({"timestamp": "2026-11-21T11:59:58"}, "timestamp_malformed"),
        ({"timestamp": 1_700_000_000}, "timestamp_malformed"),
        ({"timestamp": None}, "timestamp_malformed"),
        ({"timestamp": "2026-11-21T12:00:06Z"}, "timestamp_future"),
        ({"timestamp": "2026-11-21T11:56:59Z"}, "timestamp_stale"),
    ],
)
def test_a_bad_point_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    """One thing wrong with it at a time."""
    assert reason == judge({**GOOD, **changes}, NOW, frozenset(["BTC/USDT", "BTC/USD"]))


@pytest.mark.parametrize("point", [None, [], "BTC/USD", 5])
def test_what_is_no_object_is_refused(point: object) -> None:
    """A list where a point should be."""
    assert "point_malformed" == judge(point, NOW)


def test_what_is_absent_is_refused_as_well() -> None:
    """An empty object has no symbol."""
    assert "symbol_malformed" == judge({}, NOW)


@pytest.mark.parametrize("volume", [None, "0", 0])
def test_a_volume_may_be_unknown_or_zero(volume: object) -> None:
    """Unknown is not zero."""
    point = judge({**GOOD, "volume": volume}, NOW)

    assert isinstance(point, Observation)
    assert (None if volume is None else Decimal(0)) == point.volume


@pytest.mark.parametrize("symbol", ["BTC/USD", "1INCH/USD", "B" * 60 + "/USD"])
def test_symbols_have_capitals_and_digits_before_the_slash(symbol: str) -> None:
    """Up to 64 characters in all."""
    assert isinstance(judge({**GOOD, "symbol": symbol}, NOW), Observation)


def test_without_a_list_of_known_symbols_every_wellformed_one_is_accepted() -> None:
    """The caller decides."""
    assert isinstance(judge({**GOOD, "symbol": "DOGE/USD"}, NOW), Observation)


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(seconds=-5), None),
        (timedelta(seconds=-5, microseconds=-1), "timestamp_future"),
        (timedelta(seconds=180), None),
        (timedelta(seconds=180, microseconds=1), "timestamp_stale"),
    ],
)
def test_the_window_of_times_has_exact_borders(age: timedelta, reason: str | None) -> None:
    """5 s ahead at most, 180 s old at most."""
    assert reason == lateness(NOW - age, NOW)


def test_a_number_becomes_a_decimal_through_its_shortest_text() -> None:
    """0.1 is one tenth; no binary fraction is ever stored."""
    assert Decimal("0.1") == decimal_of(0.1)
    assert Decimal("12345678901234567890") == decimal_of(12_345_678_901_234_567_890)
    assert decimal_of("123456789012345678901") is None
    assert Decimal("0.000000000000000001") == decimal_of("1e-18")


def test_times_in_other_zones_are_the_same_moments() -> None:
    """ISO 8601 with an offset."""
    assert NOW == time_of("2026-11-21T13:00:00+01:00")
    assert NOW == time_of(NOW)


def test_bad_points_are_named_by_position_and_cost_the_good_ones_nothing() -> None:
    """Good, bad, good, bad."""
    sorted_points = accept([GOOD, {**GOOD, "price": 0}, {**GOOD, "source": "okx"}, 7], NOW, known_symbols=["BTC/USDT"])

    assert [(0, "kraken"), (2, "okx")] == [(index, point.source) for index, point in sorted_points.accepted]
    assert (Refusal(1, "price_not_positive"), Refusal(3, "point_malformed")) == sorted_points.refused
    assert sorted_points is sorted_points.usable()


def test_a_call_without_a_single_good_point_is_refused_whole() -> None:
    """With each point's reason."""
    with pytest.raises(NothingUsable) as refused:
        accept([{**GOOD, "symbol": "DOGE/USD"}, {}], NOW, known_symbols=["BTC/USDT"]).usable()

    assert [
        {"field": "body.feeds.0", "problem": "symbol_unknown"},
        {"field": "body.feeds.1", "problem": "symbol_malformed"},
    ] == refused.value.details["fields"]


@given(st.fixed_dictionaries({}, optional={name: JSON_VALUES | st.just(good) for name, good in GOOD.items()}))
def test_no_json_makes_the_judge_raise_and_what_it_accepts_is_sound(point: dict[str, object]) -> None:
    """Any object at all."""
    verdict = judge(point, NOW)

    assert isinstance(verdict, str) or (
        verdict.price > 0
        and verdict.price.is_finite()
        and (verdict.volume is None or verdict.volume >= 0)
        and NOW - timedelta(seconds=180) <= verdict.time <= NOW + timedelta(seconds=5)
    )
