"""The local exchange server as its owner sees it: start it, point a collector at its venues, make them fail."""

from dataclasses import dataclass

import httpx

from infra.local import loopback, ports
from infra.local.children import Child, Children
from infra.local.exchanges.catalogue import VENUES, desk_at
from infra.local.exchanges.desk import Desk
from infra.local.exchanges.faults import Fault

DEFAULT_SEED = 20_261_121
USUAL_LISTING, WHOLE_LISTING = "usual", "whole"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ExchangeServer:
    """A running exchange server; venue_urls maps each venue's ccxt id to its base URL."""

    control_url: str
    venue_urls: dict[str, str]
    seed: int
    whole: bool
    child: Child

    def fault(self, venue: str, fault: Fault) -> None:
        """Begin `fault` at one venue, in place of any it had."""
        self._control("PUT", f"/faults/{venue}", fault.to_json())

    def clear(self, venue: str | None = None) -> None:
        """End the fault of one venue, or of all."""
        self._control("DELETE", "/faults" if venue is None else f"/faults/{venue}")

    def hold(self, at_ms: int | None) -> None:
        """Stop every venue's clock at `at_ms` (None: let it run), so that every answer is known beforehand."""
        self._control("PUT", "/clock", {"held_at_ms": at_ms})

    def requests(self) -> dict[str, dict[str, int]]:
        """How often each path of each venue was asked for since the start."""
        counts: dict[str, dict[str, int]] = self._control("GET", "/requests").json()
        return counts

    def desk(self, venue: str, at_ms: int, *, lie_bps: int = 0) -> Desk:
        """What the venue answers at `at_ms`, computed here."""
        return desk_at(venue, seed=self.seed, time_ms=at_ms, lie_bps=lie_bps, whole=self.whole)

    def _control(self, method: str, path: str, content: object = None) -> httpx.Response:
        answer = loopback.request(method, f"{self.control_url}{path}", json=content, timeout=5.0)
        answer.raise_for_status()
        return answer


def start(
    children: Children, *, seed: int = DEFAULT_SEED, port: int = 0, name: str = "exchanges", whole: bool = False
) -> ExchangeServer:
    """Start the venues: all on `port` (0: a free one) for the control room, each on a free port of its own.

    whole: they trade every base of Flare's feeds, rather than the usual ones.
    """
    port = ports.requested_port(port)
    venue_ports = {venue: ports.free_port() for venue in VENUES}
    doors = [f"{venue}={number}" for venue, number in venue_ports.items()]
    listing = WHOLE_LISTING if whole else USUAL_LISTING
    child = children.start_python(name, "infra.local.exchanges", str(seed), listing, str(port), *doors)
    server = ExchangeServer(
        control_url=f"http://{ports.LOOPBACK}:{port}/control",
        venue_urls={venue: f"http://{ports.LOOPBACK}:{number}/{venue}" for venue, number in venue_ports.items()},
        seed=seed,
        whole=whole,
        child=child,
    )
    children.after_stop(lambda: _release(port, *venue_ports.values()))
    child.wait_until(lambda: _answers(server))
    return server


def _release(*claimed: int) -> None:
    for port in claimed:
        ports.release_port(port)


def _answers(server: ExchangeServer) -> bool:
    try:
        return bool(server.requests())
    except httpx.HTTPError:
        return False
