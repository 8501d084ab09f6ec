"""IPFS as a deployment meets it: Pinata, Filebase and two gateways, in their real HTTP shapes, each with faults.

A child program (`ipfs_server`) on the loopback. What either service was given is to be had from both gateways, as on
the public network; the services themselves hold what they were given each for itself.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import httpx

from infra.local import ports
from infra.local.children import Child, Children

PINATA, FILEBASE, GATEWAY, MIRROR = "pinata", "filebase", "gateway", "mirror"
DOORS = (PINATA, FILEBASE, GATEWAY, MIRROR)
#: What the stand-ins take; anything else is refused as the services refuse it.
PINATA_JWT, FILEBASE_KEYS, FILEBASE_BUCKET = "local-pinata-jwt", "LOCALFILEBASE:local-filebase-secret", "local-pins"


class Fault(StrEnum):
    """The ways in which a service or gateway fails its clients."""

    DOWN = "down"  # the connection is cut
    BROKEN = "broken"  # 500
    BUSY = "busy"  # 429
    PICKY = "picky"  # 413
    SILENT = "silent"  # no answer, ever
    SLOW = "slow"  # the right answer, `delay_s` late
    DRIPPING = "dripping"  # the right answer, one byte every `delay_s`
    LYING = "lying"  # a gateway's bytes have one bit turned; a service answers another CID
    ENDLESS = "endless"  # a gateway's bytes never end
    AWAY = "away"  # a redirect, to where the right answer is
    LOST = "lost"  # a service takes the content and the answer is cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One fault of one door."""

    fault: Fault
    delay_s: float = 3.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ipfs:
    """The running stand-ins; `urls` by the name of the door."""

    control_url: str
    urls: dict[str, str]
    child: Child

    @property
    def gateway_urls(self) -> tuple[str, str]:
        """Both gateways."""
        return self.urls[GATEWAY], self.urls[MIRROR]

    def trouble(self, door: str, fault: Fault, *, delay_s: float = 3.0) -> None:
        """Begin a fault at one door, in place of any it had."""
        self._control("PUT", f"/troubles/{door}", asdict(Trouble(fault=fault, delay_s=delay_s)))

    def heal(self) -> None:
        """End every fault."""
        self._control("DELETE", "/troubles")

    def held(self, door: str) -> list[str]:
        """The CIDs that a service holds, sorted."""
        cids: list[str] = self._control("GET", f"/held/{door}").json()
        return cids

    def requests(self) -> dict[str, int]:
        """How many requests each door had since the start."""
        counts: dict[str, int] = self._control("GET", "/requests").json()
        return counts

    def forget(self) -> None:
        """Forget all content, as gateways do after a while; the services, too."""
        self._control("DELETE", "/held")

    def _control(self, method: str, path: str, content: Any = None) -> httpx.Response:
        return httpx.request(method, self.control_url + path, json=content, timeout=5.0).raise_for_status()


def start(children: Children, *, name: str = "ipfs") -> Ipfs:
    """Start the stand-ins (0.3 s), each door on a free port of its own."""
    control, *doors = (ports.free_port() for _ in range(len(DOORS) + 1))
    child = children.start_python(name, "infra.local.ipfs_server", str(control), *map(str, doors))
    urls = {door: f"http://{ports.LOOPBACK}:{port}" for door, port in zip(DOORS, doors, strict=True)}
    ipfs = Ipfs(control_url=f"http://{ports.LOOPBACK}:{control}", urls=urls, child=child)
    child.wait_until(lambda: _answers(ipfs))
    return ipfs


def _answers(ipfs: Ipfs) -> bool:
    try:
        return bool(ipfs.requests())
    except httpx.HTTPError:
        return False
