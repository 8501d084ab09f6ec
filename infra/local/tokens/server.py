"""The local token server as its owner sees it: start it, point the contests at it, move prices, make it fail."""

from dataclasses import dataclass
from decimal import Decimal

import httpx

from infra.local import loopback, ports
from infra.local.children import Child, Children
from infra.local.exchanges.faults import Fault
from infra.local.exchanges.server import DEFAULT_SEED
from infra.local.tokens.market import LocalToken, tokens

USUAL_COUNT = 60


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TokenServer:
    """A running token server."""

    url: str
    seed: int
    count: int
    child: Child

    @property
    def jupiter_url(self) -> str:
        """Where Jupiter is."""
        return f"{self.url}/jupiter"

    @property
    def dexscreener_url(self) -> str:
        """Where DexScreener is."""
        return f"{self.url}/dexscreener"

    @property
    def tokens(self) -> dict[str, LocalToken]:
        """What is traded, by mint."""
        return tokens(self.count)

    def fault(self, source: str, fault: Fault) -> None:
        """Begin `fault` at "jupiter" or "dexscreener", in place of any it had."""
        self._control("PUT", f"/faults/{source}", fault.to_json())

    def clear(self) -> None:
        """End every fault."""
        self._control("DELETE", "/faults")

    def heal(self) -> None:
        """As after the start: no fault, no moved price, and the clock runs."""
        self.clear()
        self.hold(None)
        self._control("DELETE", "/prices")

    def hold(self, at_ms: int | None) -> None:
        """Stop the clock at `at_ms` (None: let it run), so that every answer is known beforehand."""
        self._control("PUT", "/clock", {"held_at_ms": at_ms})

    def move(self, mint: str, factor: Decimal | None) -> None:
        """Multiply a token's price from now on; None: nobody has a price of it."""
        self._control("PUT", f"/prices/{mint}", {"factor": None if factor is None else str(factor)})

    def requests(self) -> dict[str, dict[str, int]]:
        """How often each source was asked for what since the start."""
        counts: dict[str, dict[str, int]] = self._control("GET", "/requests").json()
        return counts

    def _control(self, method: str, path: str, content: object = None) -> httpx.Response:
        answer = loopback.request(method, f"{self.url}/control{path}", json=content, timeout=5.0)
        answer.raise_for_status()
        return answer


def start(
    children: Children,
    *,
    seed: int = DEFAULT_SEED,
    count: int = USUAL_COUNT,
    port: int = 0,
    name: str = "tokens",
) -> TokenServer:
    """Start both sources on `port` (0: a free one), with so many tokens."""
    port = ports.requested_port(port)
    child = children.start_python(name, "infra.local.tokens", str(seed), str(count), str(port))
    server = TokenServer(url=f"http://{ports.LOOPBACK}:{port}", seed=seed, count=count, child=child)
    children.after_stop(lambda: ports.release_port(port))
    child.wait_until(lambda: _answers(server))
    return server


def _answers(server: TokenServer) -> bool:
    try:
        return bool(server.requests())
    except httpx.HTTPError:
        return False
