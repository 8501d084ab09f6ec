"""What a venue's replies tell beside their bodies, and which of its numbers are prices."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from functions.oracle.adapters.venue_clients import PROFILES, Replies, UnknownVenue, profile_of
from functions.oracle.adapters.venue_visits import positive_decimal
from functions.oracle.wiring import DEFAULT_VENUES

pytestmark = pytest.mark.unit


def heard(**headers: str) -> Replies:
    replies = Replies()
    replies.heard(200, {name.replace("_", "-").title(): value for name, value in headers.items()})
    return replies


def test_a_replys_date_is_the_venues_clock() -> None:
    """For tickers without a time."""
    replies = heard(date="Sat, 21 Nov 2026 12:00:00 GMT")

    assert datetime(2026, 11, 21, 12, 0, tzinfo=UTC) == replies.time


def test_a_cached_reply_is_as_old_as_the_cache_says() -> None:
    """A proxy's copy of 40 s ago is not a price of now."""
    replies = heard(date="Sat, 21 Nov 2026 12:00:00 GMT", age="40")

    assert datetime(2026, 11, 21, 11, 59, 20, tzinfo=UTC) == replies.time


@pytest.mark.parametrize("date", ["", "yesterday", "2026-11-21T12:00:00Z"])
def test_an_unreadable_date_is_no_time(date: str) -> None:
    """Then a ticker without a time of its own is left out."""
    assert heard(date=date).time is None


def test_a_new_question_forgets_the_earlier_replies() -> None:
    """A 503 of the last attempt does not explain the next one's time-out."""
    replies = Replies()
    replies.heard(503, {"Retry-After": "7"})
    replies.malformed = True

    replies.begin()

    assert (None, False, 0.0) == (replies.status, replies.malformed, replies.retry_after_s)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("", 0.0), ("-3", 0.0), ("Fri, 31 Dec 2027 23:59:59 GMT", 0.0)]
)
def test_a_venue_may_name_the_wait(text: str, seconds: float) -> None:
    """Retry-After in seconds; a date is ignored, the usual waits hold then."""
    assert seconds == heard(retry_after=text).retry_after_s


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "0.000",
        "NaN",
        "Infinity",
        "-Infinity",
        "",
        "abc",
        "1,5",
        None,
        1.5,
        [],
        "1e19",
        "1e-19",
        "1e999999999",
    ],
)
def test_only_a_finite_number_above_zero_is_a_price(text: object) -> None:
    """Whatever else a venue prints, a float above all, is none; nor is a number without measure."""
    assert positive_decimal(text) is None


@pytest.mark.parametrize("text", ["0.00000001", "93480.00", "1e-8", "123456789012.12345678"])
def test_a_price_keeps_its_digits(text: str) -> None:
    """Trailing zeros included."""
    price = positive_decimal(text)

    assert Decimal(text).as_tuple() == (price or Decimal(0)).as_tuple()


def test_an_unknown_venue_names_the_known_ones() -> None:
    """A misspelt setting says what to choose from."""
    with pytest.raises(UnknownVenue) as refused:
        profile_of("krakn")

    assert {"venue": "krakn", "known": ", ".join(PROFILES)} == refused.value.details


def test_ten_venues_are_asked_by_default() -> None:
    """At least eight are required; each has a profile."""
    assert 10 == len({profile_of(venue) and venue for venue in DEFAULT_VENUES})
