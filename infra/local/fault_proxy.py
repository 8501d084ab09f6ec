"""A node's RPC identities, each with faults of its own that a test or the demo switches while it runs.

The proxy is a child program (`fault_proxy_server`), so that it neither slows its user down nor outlives it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local import loopback, ports
from infra.local.children import Child, Children
from infra.local.faults import HEALTHY, Faults

IDENTITIES = ("primary", "secondary")


@dataclass(frozen=True, slots=True)
class RpcIdentity:
    """One address under which the node is reachable, as if it were one provider of several."""

    name: str
    url: str
    control_url: str

    @property
    def ws_url(self) -> str:
        """The same identity's WebSocket address; frames pass through unchanged."""
        return self.url.replace("http://", "ws://")

    def inject(self, faults: Faults | None = None, /, **kinds: Any) -> None:
        """Replace its faults, by `Faults` or by its fields: `inject(failure="timeout", methods=("eth_call",))`."""
        wanted = faults or Faults(**kinds)
        loopback.request("PUT", self.control_url, content=json.dumps(wanted.to_json()), timeout=5.0).raise_for_status()

    def heal(self) -> None:
        """Answer as the node does again."""
        self.inject(HEALTHY)

    @contextmanager
    def injected(self, faults: Faults | None = None, /, **kinds: Any) -> Iterator[None]:
        """Faulty inside the `with` block, healthy after it."""
        self.inject(faults, **kinds)
        try:
            yield
        finally:
            self.heal()

    def faults(self) -> Faults:
        """The faults now in force."""
        return Faults.from_json(self._state()["faults"])

    def calls(self) -> Counter[str]:
        """How often each method was called here since the start."""
        return Counter(self._state()["calls"])

    def failures(self) -> Counter[str]:
        """How often each kind of fault befell a call here since the start."""
        return Counter(self._state()["failures"])

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = loopback.request("GET", self.control_url, timeout=5.0).raise_for_status().json()
        return state


@dataclass(frozen=True, slots=True, eq=False)
class FaultProxy:
    """The identities of one node."""

    identities: tuple[RpcIdentity, ...]
    child: Child

    @property
    def urls(self) -> tuple[str, ...]:
        """One URL per identity, in order."""
        return tuple(identity.url for identity in self.identities)

    def __getitem__(self, name: str) -> RpcIdentity:
        """The identity of that name; KeyError when there is none."""
        return {identity.name: identity for identity in self.identities}[name]

    def inject(self, faults: Faults | None = None, /, **kinds: Any) -> None:
        """The same faults for every identity."""
        for identity in self.identities:
            identity.inject(faults, **kinds)

    def heal(self) -> None:
        """Every identity answers as the node does again."""
        self.inject(HEALTHY)


def start(
    children: Children, upstream: str, *, name: str = "fault-proxy", identities: tuple[str, ...] = IDENTITIES
) -> FaultProxy:
    """Start a proxy (0.2 s) in front of the node at `upstream`, an http:// URL on the loopback."""
    control = ports.free_port()
    served = [RpcIdentity(one, _url(ports.free_port()), f"{_url(control)}/{one}") for one in identities]
    arguments = [f"{one.name}={one.url.rpartition(':')[2]}" for one in served]
    child = children.start_python(name, "infra.local.fault_proxy_server", upstream, str(control), *arguments)
    proxy = FaultProxy(tuple(served), child)
    child.wait_until(lambda: _answers(proxy))
    return proxy


def _url(port: int) -> str:
    return f"http://{ports.LOOPBACK}:{port}"


def _answers(proxy: FaultProxy) -> bool:
    try:
        return proxy.identities[0].faults() == HEALTHY
    except httpx.HTTPError:
        return False
