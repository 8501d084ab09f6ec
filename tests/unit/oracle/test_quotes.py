"""Venue prices in USD: what a tether is worth, and what is left out when nobody says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.quotes import InUsd, VenuePrice, in_usd, one_per_instant, to_usd, usdt_in_usd

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def quoted(
    price: str,
    *,
    base: str = "XRP",
    quote: str = "USDT",
    source: str = "okx",
    age_s: float = 1,
    volume: str | None = None,
) -> VenuePrice:
    return VenuePrice(
        base=base,
        quote=quote,
        price=Decimal(price),
        volume=None if volume is None else Decimal(volume),
        time=AT - timedelta(seconds=age_s),
        source=source,
    )


def tether(price: str, source: str = "kraken", *, age_s: float = 1) -> VenuePrice:
    return quoted(price, base="USDT", quote="USD", source=source, age_s=age_s)


def test_a_usd_price_stays_as_it_is() -> None:
    """What is quoted in USD needs no rate."""
    point = quoted("2.1530", quote="USD")

    assert point == to_usd(point, None)


def test_a_usdt_price_is_multiplied_by_the_worth_of_a_usdt() -> None:
    """2.1530 USDT at 0.9994 USD each are 2.15170820 USD; the rest of the point is untouched."""
    point = quoted("2.1530", volume="12")

    usd = to_usd(point, Decimal("0.9994"))

    assert (
        VenuePrice(
            base="XRP",
            quote="USD",
            price=Decimal("2.15170820"),
            volume=Decimal("12"),
            time=point.time,
            source="okx",
        )
        == usd
    )


def test_without_a_rate_a_usdt_price_is_left_out() -> None:
    """A tether is never taken for a dollar."""
    assert to_usd(quoted("2.1530"), None) is None


def test_other_quote_currencies_are_left_out() -> None:
    """A euro price is no dollar price either, whatever USDT is worth."""
    assert to_usd(quoted("1.98", quote="EUR"), Decimal("0.9994")) is None


def test_the_rate_is_the_median_of_the_sources() -> None:
    """One liar among three moves nothing."""
    points = [tether("0.9994", "kraken"), tether("9.9", "bitstamp"), tether("0.9996", "bitfinex")]

    assert Decimal("0.9996") == usdt_in_usd(points, AT)


def test_between_two_sources_the_rate_is_their_mean() -> None:
    """The middle two of an even number are averaged, exactly."""
    points = [tether("0.9994", "kraken"), tether("0.9997", "bitstamp")]

    assert Decimal("0.99955") == usdt_in_usd(points, AT)


def test_a_source_counts_once_with_its_newest_rate() -> None:
    """An older point of the same source is superseded, whichever comes first."""
    points = [tether("0.9", age_s=30), tether("0.9994", age_s=2), tether("0.8", age_s=40)]

    assert Decimal("0.9994") == usdt_in_usd(points, AT)


@pytest.mark.parametrize(
    ("age_s", "rate"),
    [
        (60, Decimal("0.9994")),  # just fresh
        (60.001, None),  # stale
        (-5, Decimal("0.9994")),  # a clock a little ahead
        (-5.001, None),  # a time from the future proves nothing
    ],
)
def test_only_a_present_rate_counts(age_s: float, rate: Decimal | None) -> None:
    """A rate is at most 60 s old and at most 5 s ahead."""
    assert rate == usdt_in_usd([tether("0.9994", age_s=age_s)], AT)


@pytest.mark.parametrize(
    "other",
    [
        quoted("0.92", base="USDT", quote="EUR"),
        quoted("0.9999", base="USDC", quote="USD"),
        quoted("1.0006", base="USD", quote="USDT"),
    ],
)
def test_only_usdt_against_usd_tells_the_rate(other: VenuePrice) -> None:
    """Neither another stable coin nor another currency nor the inverse market is taken for it."""
    assert usdt_in_usd([other], AT) is None


def test_a_collection_is_converted_with_its_own_rate() -> None:
    """USD and USDT points come out in USD in their order; what cannot be converted is named."""
    dollar, tethered, euro = quoted("2.15", quote="USD"), quoted("2.16"), quoted("1.9", quote="EUR")
    rate = tether("0.5")

    converted = in_usd([dollar, tethered, euro, rate], AT)

    assert InUsd((dollar, quoted("1.080", quote="USD"), rate), (euro,)) == converted


def test_with_a_stale_rate_every_usdt_point_is_left_out() -> None:
    """The rate of a minute ago is nobody's rate now."""
    tethered, rate = quoted("2.16"), tether("0.5", age_s=61)

    assert InUsd((rate,), (tethered,)) == in_usd([tethered, rate], AT)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d"]),
            st.integers(9_000, 11_000),
            st.floats(0, 90),
        ),
        unique_by=(lambda row: row[2], lambda row: row[1]),
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_points_never_changes_the_rate(rows: list[tuple[str, int, float]], dice: object) -> None:
    """The same points in any order tell the same rate."""
    points = [tether(f"{price / 10_000}", source, age_s=age_s) for source, price, age_s in rows]
    shuffled = list(points)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random

    assert usdt_in_usd(points, AT) == usdt_in_usd(shuffled, AT)


def test_trades_of_one_instant_become_one() -> None:
    """Volumes add up and the price is the mean by volume, with four digits more: (2.15 x 1 + 2.18 x 3) / 4 = 2.1725."""
    trades = [quoted("2.15", volume="1"), quoted("2.18", volume="3")]

    assert [quoted("2.172500", volume="4")] == one_per_instant(trades)


def test_a_lone_trade_keeps_its_venues_digits() -> None:
    """Nothing is recomputed where there is nothing to merge."""
    assert [str(trade.price) for trade in one_per_instant([quoted("2.1530", volume="7")])] == ["2.1530"]


def test_trades_come_out_oldest_first() -> None:
    """Whatever order the venue prints its tape in."""
    newer, older = quoted("2.15", volume="1", age_s=1), quoted("2.18", volume="3", age_s=9)

    assert [older, newer] == one_per_instant([newer, older])


def test_the_finest_price_of_an_instant_sets_the_digits() -> None:
    """Four digits beyond the finest price, so that the mean loses nothing that matters."""
    merged = one_per_instant([quoted("2.1", volume="1"), quoted("2.125", volume="2")])

    assert [str(trade.price) for trade in merged] == ["2.1166667"]


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)), min_size=1, max_size=20))
def test_merging_never_changes_the_vwap(rows: list[tuple[int, int]]) -> None:
    """Sum of price times volume, and of volume, survive to within the four extra digits."""
    trades = [quoted(f"{Decimal(price).scaleb(-4):f}", volume=f"{volume}") for price, volume in rows]
    volume = sum((trade.volume or Decimal(0) for trade in trades), Decimal(0))
    cost = sum((trade.price * (trade.volume or Decimal(0)) for trade in trades), Decimal(0))

    (merged,) = one_per_instant(trades)

    assert volume == merged.volume
    assert abs(cost / volume - merged.price) <= Decimal("0.5e-8")
