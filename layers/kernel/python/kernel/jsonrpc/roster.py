"""Owns what a pool knows of its endpoints: their standing, since when, and how many of them count.

An endpoint that has been away, or whose head has stood still behind the others, for `away_s` does not count towards a
quorum any more: silence is no lie, and money must not stand still because a provider went out of business. One that
was caught lying does not count either, until its time is over and it is compared with the others again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kernel.clock import Clock
from kernel.jsonrpc.endpoint import Endpoint
from kernel.jsonrpc.latencies import Latencies
from kernel.jsonrpc.standings import Place, Sight, Standing, places

logger = logging.getLogger(__name__)

# So many answers in a row that the others did not share, "nothing" among them, are no accident of a block's delay.
DOUBTS_MAX: Final = 3


class Health(Protocol):
    """Who remembers, for all containers, which dependencies work; kernel.breaker satisfies it. Each call is cheap."""

    def usable(self, dependency: str) -> bool:
        """Whether to ask it at all."""
        ...

    def succeeded(self, dependency: str) -> None:
        """It answered."""
        ...

    def failed(self, dependency: str, reason: str) -> None:
        """It did not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How far a head may be from the others', and for how long what was seen counts."""

    lag_max: int
    lag_s_max: float
    away_s: float
    distrust_s: float


class Roster:
    """The endpoints of one chain in the configured order."""

    def __init__(
        self, endpoints: Sequence[Endpoint], chain: str, clock: Clock, tolerances: Tolerances, health: Health | None
    ) -> None:
        self.standings: Final = dict.fromkeys(endpoints, Standing.INITIALIZING)
        self.latencies: Final[Latencies[Endpoint]] = Latencies()
        self._chain, self._clock, self._tolerances, self._health = chain, clock, tolerances, health
        self._heights: dict[Endpoint, int] = {}
        self._alive_at_s: dict[Endpoint, float] = {}
        self._distrusted_until_s: dict[Endpoint, float] = {}
        self._doubts = dict.fromkeys(endpoints, 0)

    def asked(self) -> list[Endpoint]:
        """All but those of another chain."""
        return [one for one, standing in self.standings.items() if standing != Standing.WRONG_CHAIN]

    def proven(self) -> list[Endpoint]:
        """Those that have named the right chain, in the configured order."""
        return [one for one in self.asked() if self.standings[one] != Standing.INITIALIZING]

    def believed(self) -> list[Endpoint]:
        """Whom to read from, best first; empty when nobody is fit.

        Whose circuit is open comes last, and is not left out: its head is fresh, and a quorum may need its vote.
        """
        active = [one for one, standing in self.standings.items() if standing == Standing.ACTIVE]
        usable = [one for one in active if self._health is None or self._health.usable(self._dependency(one))]
        rest = [one for one in active if one not in usable]
        return [*self.latencies.ordered(usable), *self.latencies.ordered(rest)]

    def counted(self) -> int:
        """How many endpoints a quorum may still be expected of."""
        now_s = self._clock.time_s()
        since = {one: now_s - self._alive_at_s.setdefault(one, now_s) for one in self.asked()}
        return sum(
            since_s <= self._tolerances.away_s and self.standings[one] != Standing.DISTRUSTED
            for one, since_s in since.items()
        )

    def compare(self, sights: Mapping[Endpoint, Sight | None]) -> None:
        """Judge everybody by the heads just seen; who is distrusted is judged again when its time is over."""
        now_s = self._clock.time_s()
        for one in sights:
            if self.standings[one] == Standing.DISTRUSTED and now_s >= self._distrusted_until_s[one]:
                self.standings[one] = Standing.DEGRADED
        judged = {one: sight for one, sight in sights.items() if self.standings[one] in _JUDGED}
        limits = self._tolerances
        for one, place in places(judged, lag_max=limits.lag_max, lag_s_max=limits.lag_s_max).items():
            self.standings[one] = Standing.ACTIVE if place == Place.FRESH else Standing.DEGRADED
            if place == Place.AHEAD:
                self.distrust(one, "its head is far ahead of all others")
            self._note_life(one, judged[one], place, now_s)

    def fail(self, endpoint: Endpoint, reason: str) -> None:
        """It did not answer: not read from before the next comparison."""
        if self.standings[endpoint] == Standing.ACTIVE:
            self.standings[endpoint] = Standing.DEGRADED
        if self._health is not None:
            self._health.failed(self._dependency(endpoint), reason)

    def distrust(self, endpoint: Endpoint, why: str) -> None:
        """It said what is not so: not read from for a while."""
        self.standings[endpoint] = Standing.DISTRUSTED
        self._distrusted_until_s[endpoint] = self._clock.time_s() + self._tolerances.distrust_s
        self._doubts[endpoint] = 0
        logger.error(
            "An RPC endpoint lies and is left out.",
            extra={"alarm": "rpc.distrusted", "chain": self._chain, "endpoint": endpoint.name, "why": why},
        )

    def doubt(self, endpoint: Endpoint, method: str) -> None:
        """It alone knew nothing, or it alone knew something: a block's delay, unless that goes on."""
        self._doubts[endpoint] += 1
        if self._doubts[endpoint] >= DOUBTS_MAX:
            self.distrust(endpoint, f"it differs from the others again and again: {method}")

    def trust(self, endpoint: Endpoint) -> None:
        """Its answer stood."""
        self._doubts[endpoint] = 0

    def _note_life(self, endpoint: Endpoint, sight: Sight | None, place: Place, now_s: float) -> None:
        moved = sight is not None and sight.height != self._heights.get(endpoint)
        if sight is not None:
            self._heights[endpoint] = sight.height
            if self._health is not None:
                self._health.succeeded(self._dependency(endpoint))
        elif self._health is not None:
            self._health.failed(self._dependency(endpoint), "no head")
        if place == Place.FRESH or moved:
            self._alive_at_s[endpoint] = now_s

    def _dependency(self, endpoint: Endpoint) -> str:
        return f"rpc:{self._chain}:{endpoint.name}"


_JUDGED: Final = frozenset((Standing.ACTIVE, Standing.DEGRADED))
