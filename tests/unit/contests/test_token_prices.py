"""What the price of a token is, until when it counts, and what an addition to the list costs."""

import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.market import (
    AGE_MAX,
    AHEAD_MAX,
    EARLIEST,
    Doubt,
    NoPriceUsable,
    counts_s,
    is_confirmed,
    judge,
    liquidity_of,
    price_of,
    span,
    token_of,
    trades_s,
    width_bps,
)
from functions.contests.core.portfolio import WORTH_MAX
from functions.contests.core.whitelist import (
    Mint,
    MintUnfit,
    TokenTextUnfit,
    checked_text,
    fee_lamports,
    fees_lamports,
    mint_of,
)

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINT, DESK = "So11111111111111111111111111111111111111112", "key:0123456789ab"


def point(**changes: Any) -> dict[str, Any]:
    """A good price, with changes."""
    return {"mint": MINT, "price": "1.5", "source": "desk", "timestamp": NOW.isoformat(), **changes}


def account(*, decimals: int = 6, is_initialized: int = 1, more: bytes = b"") -> bytes:
    """What a mint's account holds."""
    return struct.pack("<I32xQBB36x", 1, 10**15, decimals, is_initialized) + more


@pytest.mark.parametrize(
    ("price", "believed", "before", "confirmed"),
    [
        (7, None, None, True),
        (200, 100, 100, True),
        (50, 100, 100, True),
        (201, 100, 100, False),
        (49, 100, 100, False),
        (201, 100, 205, True),
        (100, 100, 205, True),
        (900, 100, 205, False),
    ],
)
def test_a_leap_waits_for_a_second_reading(
    price: int, believed: int | None, before: int | None, confirmed: bool
) -> None:
    """From half to twice as much is no leap; the very last reading confirms, or a return to the believed one."""

    assert confirmed is is_confirmed(price, believed, before, 200)


@pytest.mark.parametrize(
    ("given_liquidity", "dollars"),
    [
        (621_679_197.67, 621_679_197),
        (0, 0),
        (True, None),
        ("9", None),
        (None, None),
        (-1, None),
        (1e12, None),
        (1e999, None),
    ],
)
def test_liquidity_is_whole_dollars_or_unknown(given_liquidity: object, dollars: int | None) -> None:
    """What is no sane amount says nothing."""

    assert dollars == liquidity_of(given_liquidity)


@pytest.mark.parametrize(
    ("given_price", "price"),
    [
        ("147.48", 147_480_000_000_000),
        (0.00001012, 10_120_000),
        (1, 10**12),
        ("0.0000000000014", 1),
        ("0.0000000000015", 2),
        ("999999999999.9", 999_999_999_999_900_000_000_000),
    ],
)
def test_a_price_is_an_integer_of_a_trillionth_of_a_dollar(given_price: object, price: int) -> None:
    """To the nearest, a number at its shortest text."""
    assert price == price_of(given_price)


@pytest.mark.parametrize(
    "given_price",
    ["", "abc", "0", "-1", "NaN", "Infinity", float("inf"), float("nan"), True, None, [], "1" * 41, "1e12", "1e-13"],
)
def test_what_is_no_price_of_anything_is_none(given_price: object) -> None:
    """A trillion dollars for a token, and anything that is no number."""
    assert price_of(given_price) is None


@given(price=st.integers(1, 10**18), quantity=st.integers(0, 10**18), decimals=st.integers(0, 18))
def test_worth_is_exact_in_micro_units_but_for_the_last_rounding(price: int, quantity: int, decimals: int) -> None:
    """However small a price is, up to the ceiling."""
    worth = token_of(price, decimals).worth(quantity)

    assert min(price * quantity // 10 ** (decimals + 6), WORTH_MAX) == worth


def test_a_price_counts_for_two_looks_and_half_a_minute() -> None:
    """One look may fail before a snapshot holds."""
    assert [60, 90, 150, 390, 630, 1_230] == [counts_s(rank) for rank in (50, 200, 500, 1_000, 3_000, 3_001)]


@pytest.mark.parametrize(("prices", "width"), [([100], 0), ([100, 100], 0), ([95, 105], 500), ([1, 2, 3], 5_000)])
def test_width_is_half_of_what_lies_between_the_markets(prices: list[int], width: int) -> None:
    """As a part of their middle, rounded up."""
    assert width == width_bps(prices)


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"mint": "other"}, Doubt.UNKNOWN),
        ({"price": 0}, Doubt.PRICE),
        ({"source": "jupiter"}, Doubt.SOURCE),
        ({"source": "dexscreener"}, Doubt.SOURCE),
        ({"source": "Jupiter"}, Doubt.SOURCE),
        ({"source": ""}, Doubt.SOURCE),
        ({"source": "d" * 65}, Doubt.SOURCE),
        ({"width_bps": 10_001}, Doubt.WIDTH),
        ({"width_bps": 1.5}, Doubt.WIDTH),
        ({"timestamp": "noon"}, Doubt.TIME),
        ({"timestamp": "2026-11-21T12:00:00"}, Doubt.TIME),
        ({"timestamp": (NOW - AGE_MAX - timedelta(microseconds=1)).isoformat()}, Doubt.STALE),
        ({"timestamp": (NOW + AHEAD_MAX + timedelta(microseconds=1)).isoformat()}, Doubt.FUTURE),
    ],
)
def test_a_bad_point_is_named_by_its_position(changes: dict[str, Any], doubt: Doubt) -> None:
    """The good ones beside it are taken; a call without one is refused."""
    judged = judge([point(), point(**changes), point()], NOW, known={MINT}, by=DESK)

    assert {"key:0123456789ab/desk"} == {quote.source for quote in judged.quotes}
    assert ([(1, doubt)], 2) == ([(one.index, one.reason) for one in judged.refused], len(judged.quotes))
    with pytest.raises(NoPriceUsable):
        judge([point(**changes)], NOW, known={MINT}, by=DESK).usable()


def test_a_point_of_the_future_is_of_now() -> None:
    """Nobody reads a price before it is traded at, and nobody's clock makes a price newer than the others'."""
    [ahead, behind] = judge(
        [point(timestamp=(NOW + timedelta(seconds=one)).isoformat()) for one in (5, -5)], NOW, known={MINT}, by=DESK
    ).quotes

    assert (NOW, NOW - timedelta(seconds=5)) == (ahead.observed_at, behind.observed_at)


@pytest.mark.parametrize(("rank", "seconds"), [(1, 30), (3_001, 30)])
def test_a_trade_takes_no_price_older_than_half_a_minute(rank: int, seconds: int) -> None:
    """Whatever the rank, and however long the same price values."""
    assert seconds == trades_s(rank) < counts_s(rank)


@pytest.mark.parametrize("seconds", [-60, 5])
def test_clocks_may_differ_by_so_much(seconds: int) -> None:
    """A minute back and five seconds ahead."""
    timestamp = (NOW + timedelta(seconds=seconds)).isoformat()

    assert 1 == len(judge([point(timestamp=timestamp, width_bps=0)], NOW, known={MINT}, by=DESK).quotes)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, (NOW - timedelta(hours=24) + timedelta(seconds=10), NOW + timedelta(seconds=10))),
        (None, NOW, (NOW - timedelta(hours=24), NOW)),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), NOW, (EARLIEST, NOW)),
        (None, datetime.min.replace(tzinfo=UTC), (EARLIEST, EARLIEST)),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))), NOW, (NOW, NOW)),
    ],
)
def test_a_history_lies_within_what_was(
    start: datetime | None, end: datetime | None, expected: tuple[datetime, datetime]
) -> None:
    """A day unless asked otherwise; the ends of the calendar are nobody's failure."""
    assert expected == span(start, end, NOW)
    assert all(moment.tzinfo is UTC for moment in span(start, end, NOW))


def test_the_fee_falls_by_a_percent_a_level() -> None:
    """From novice to legend; who rises while a payment is on its way has paid enough."""
    assert [1_000_000_000, 990_000_000, 980_000_000, 940_000_000] == [
        fee_lamports(experience) for experience in (999, 1_000, 5_000, 10**9)
    ]
    assert [1_000_000_000, 990_000_000, 980_000_000] == fees_lamports(5_000)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("", "n"), ("S" * 11, "n"), ("S", ""), ("S", "n" * 51), (" S", "n"), ("S", "n "), ("S\n", "n"), ("S", "n\x00m")],
)
def test_symbol_and_name_are_short_and_can_be_shown(symbol: str, name: str) -> None:
    """Ten characters and fifty."""
    assert ("S" * 10, "n" * 50) == checked_text("S" * 10, "n" * 50)
    with pytest.raises(TokenTextUnfit):
        checked_text(symbol, name)


@pytest.mark.parametrize(
    "more", [b"", bytes(83) + b"\1", bytes(83) + b"\1" + bytes(100)], ids=["plain", "padded", "more"]
)
def test_a_mint_says_its_decimals(more: bytes) -> None:
    """With extensions or without."""
    assert Mint(decimals=6, supply=10**15) == mint_of(MINT, account(more=more))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        account()[:-1],
        account(more=b"\1"),
        account(more=bytes(83) + b"\2"),
        account(is_initialized=0),
        account(decimals=19),
    ],
    ids=["nothing", "short", "long", "token account", "not initialized", "too fine"],
)
def test_what_is_no_mint_is_refused(content: bytes) -> None:
    """A token account with extensions has another kind."""
    with pytest.raises(MintUnfit):
        mint_of(MINT, content)
