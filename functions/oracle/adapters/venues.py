"""The collector: every configured venue asked at once through ccxt, each within its own limits and its own time.

    points, reports = venues.collect(["BTC", "XRP"])

A venue that is down, slow or talks nonsense costs only itself: its report says why, and the others' points stand.
Prices keep the venue's digits and quote currency (`functions.oracle.core.quotes` turns USDT into USD later). Judging
prices is not done here either: a lying venue's points are collected like any other's, and the aggregation throws them
out.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from functions.oracle.adapters.venue_visits import VenueReport, VenueVisitor
from functions.oracle.core.quotes import USDT, VenuePrice

if TYPE_CHECKING:
    import aiohttp

# Quick failures get all four attempts (1 + 2 + 4 s of waiting) and the last of them its whole 5 s.
DEADLINE_S = 12.0


class Collection(NamedTuple):
    """What the venues said: points in the order of the venues, and one report per venue."""

    points: tuple[VenuePrice, ...]
    reports: tuple[VenueReport, ...]


class Venues:
    """The venues of one container, with their clients and listings kept between collections.

    Listings are loaded by the first collection. Connections live for one collection only: between two of them the
    container may be frozen for longer than any venue keeps an idle connection. Not for concurrent use.
    """

    def __init__(
        self,
        venues: Sequence[str],
        base_urls: Mapping[str, str],
        timeout_s: float = 5.0,
        *,
        deadline_s: float = DEADLINE_S,
        trades_for: Sequence[str] = (),
    ) -> None:
        """venues: ccxt ids; base_urls: venue -> URL to use in place of the venue's own, empty in production.

        timeout_s: for one request; deadline_s: for one venue with all its requests and retries, so for `collect`.
        trades_for: the bases whose single trades are collected too, one request each (see venue_visits).
        """
        self._venues = tuple(venues)
        self._base_urls = dict(base_urls)
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._trades_for = tuple(trades_for)
        self._visitors: list[VenueVisitor] = []
        self._tls: ssl.SSLContext | None = None
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def collect(self, bases: Sequence[str], *, deadline_s: float | None = None) -> Collection:
        """The points of all venues for `bases`, and for USDT, which the conversion into USD needs.

        Takes at most `deadline_s` (that of the constructor, unless less is left this time), plus ccxt's import on the
        first call. UnknownVenue for a venue without a profile.
        """
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        wanted = tuple(dict.fromkeys((*bases, USDT)))
        try:
            # One loop for all collections: the clients' throttles live in it.
            self._runner = self._runner or asyncio.Runner()
            return self._runner.run(self._collect(wanted, limit_s))
        except BaseException:
            # Cut off midway (a deadline guard, Ctrl-C), clients and loop are in no known state: begin afresh.
            self.close()
            raise

    def close(self) -> None:
        """Let go of the event loop and the clients; the next collection makes new ones."""
        self._visitors = []
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    async def _collect(self, bases: tuple[str, ...], limit_s: float) -> Collection:
        if not self._visitors:
            self._visitors = [
                VenueVisitor(venue, self._base_urls.get(venue), self._timeout_s) for venue in self._venues
            ]
        async with self._session() as session:
            for visitor in self._visitors:
                visitor.borrow(session)
            try:
                visits = await asyncio.gather(
                    *(visitor.visit(bases, self._trades_for, limit_s) for visitor in self._visitors)
                )
            finally:
                for visitor in self._visitors:
                    visitor.borrow(None)
        points = tuple(point for points, _ in visits for point in points)
        return Collection(points, tuple(report for _, report in visits))

    def _session(self) -> "aiohttp.ClientSession":
        """One HTTP session for all venues, over TLS with certifi's roots, as ccxt's own would be."""
        import aiohttp
        import certifi

        self._tls = self._tls or ssl.create_default_context(cafile=certifi.where())
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls, enable_cleanup_closed=True))
