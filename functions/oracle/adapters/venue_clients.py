"""What ccxt needs to know about each venue, and clients of it that keep every digit of a price.

Numbers: left to itself ccxt reads JSON numbers as floats, and hands out floats. Through its own settings (`number`) and
hooks (`on_json_response`) both are made text here, so a price reaches us as the characters that the venue sent.

Replies: its class is used as it is, but two more hooks are listened to, because a client neither says what the status
of a reply was nor that a body was not JSON (it then hands on the raw text, and its parsers make an empty list of it).
"""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from kernel.errors import Broken

SPOT_ONLY: Mapping[str, Any] = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}


class UnknownVenue(Broken):
    """The configuration names a venue that the collector does not know."""

    cause = "The list of venues in the oracle's settings has a name without a profile in venue_clients.py."
    remedy = "Remove the name, or add a profile for it."


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueProfile:
    """How one venue is asked.

    quotes: the quote currencies to take, best first.
    options: ccxt options of the venue, such as loading spot markets only.
    asks_by_symbol: its tickers call takes a list of symbols; otherwise all are fetched and the rest dropped.
    needs_currencies: its market names can only be read with its list of currencies.
    """

    quotes: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    asks_by_symbol: bool = True
    needs_currencies: bool = False


PROFILES: Mapping[str, VenueProfile] = {
    "binance": VenueProfile(quotes=("USDT",), options=SPOT_ONLY),
    "bitfinex": VenueProfile(quotes=("USD",)),
    "bitstamp": VenueProfile(quotes=("USD",)),
    "bybit": VenueProfile(quotes=("USDT",), options=SPOT_ONLY),
    "cryptocom": VenueProfile(quotes=("USD", "USDT"), asks_by_symbol=False),
    "gate": VenueProfile(quotes=("USDT",), options=SPOT_ONLY),
    "htx": VenueProfile(
        quotes=("USDT",),
        options={"fetchMarkets": {"types": {"spot": True, "linear": False, "inverse": False}}},
    ),
    "kraken": VenueProfile(quotes=("USD",), needs_currencies=True),
    "kucoin": VenueProfile(quotes=("USDT",), options={"fetchMarkets": {"types": ["spot"], "fetchTickersFees": False}}),
    # Its own limits make ccxt wait about seven seconds on a first collection; warm it takes three.
    "mexc": VenueProfile(quotes=("USDT",)),
    "okx": VenueProfile(quotes=("USDT",), options=SPOT_ONLY),
}


@dataclass(slots=True)
class Replies:
    """What a client's replies looked like since `begin`."""

    status: int | None = None
    malformed: bool = False
    _headers: Mapping[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Forget the replies to earlier questions."""
        self.status, self.malformed, self._headers = None, False, {}

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Note a reply's status and headers."""
        self.status, self._headers = status, {name.lower(): value for name, value in headers.items()}

    @property
    def time(self) -> datetime | None:
        """The venue's clock at its last reply: HTTP Date, less the seconds that a cache on the way kept it (Age)."""
        try:
            sent = parsedate_to_datetime(self._headers["date"]).astimezone(UTC)
            return sent - timedelta(seconds=int(self._headers.get("age", "0")))
        except (KeyError, ValueError):
            return None

    @property
    def retry_after_s(self) -> float:
        """The wait that the venue asked for; 0 when it named none."""
        text = self._headers.get("retry-after", "")
        return float(text) if text.isdecimal() else 0.0


def profile_of(venue: str) -> VenueProfile:
    """The venue's profile; UnknownVenue when it has none."""
    try:
        return PROFILES[venue]
    except KeyError:
        raise UnknownVenue(venue=venue, known=", ".join(PROFILES)) from None


def ccxt() -> Any:
    """The library, imported when first needed: it takes two to three seconds and 100 MB."""
    return importlib.import_module("ccxt.async_support")


def build_client(venue: str, base_url: str | None, timeout_s: float, replies: Replies) -> Any:
    """The venue's ccxt client, throttled as ccxt knows the venue to ask for; it borrows its HTTP session.

    base_url: scheme, host and an optional path to use in place of the venue's own host.
    timeout_s: for one request.
    """
    profile = profile_of(venue)
    client = getattr(ccxt(), venue)(
        {
            "number": str,
            "enableRateLimit": True,
            "timeout": int(timeout_s * 1_000),
            "options": dict(profile.options),
            # Without this key the client would open a session of its own.
            "session": None,
            **({} if profile.needs_currencies else {"has": {"fetchCurrencies": False}}),
        }
    )
    if base_url is not None:
        client.urls["api"] = _moved(client.urls["api"], base_url.rstrip("/"))
    _listen(client, replies)
    return client


def _moved(urls: Any, base_url: str) -> Any:
    """The same tree of URLs with their hosts replaced and their paths kept."""
    if isinstance(urls, dict):
        return {name: _moved(url, base_url) for name, url in urls.items()}
    return f"{base_url}{urlsplit(urls).path}"


def _listen(client: Any, replies: Replies) -> None:
    """Let `replies` hear the status, the headers and the readability of every reply; keep numbers as text."""
    client.on_json_response = partial(json.loads, parse_float=str)
    on_rest_response, parse_json = client.on_rest_response, client.parse_json

    def hear(status: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
        replies.heard(status, headers)
        return on_rest_response(status, reason, url, method, headers, *rest)

    def parse(body: str) -> Any:
        parsed = parse_json(body)
        replies.malformed = replies.malformed or parsed is None
        return parsed

    client.on_rest_response, client.parse_json = hear, parse
