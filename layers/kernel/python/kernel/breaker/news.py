"""Owns what everybody may be told of a circuit's change. Pure."""

from typing import Any, Final

from kernel.breaker.lifecycle import Circuit
from kernel.hashes import sha256

RPC: Final = "rpc:"
#: Enough to tell the endpoints of one chain from another.
TAG_LENGTH: Final = 6


def public_name(dependency: str) -> str:
    """The dependency without what may be private: an RPC endpoint's host is its account's, so it goes by a tag."""
    chain, _, host = dependency.removeprefix(RPC).rpartition(":")
    if not dependency.startswith(RPC) or not chain:
        return dependency
    return f"{RPC}{chain}:{sha256(host.encode()).hex()[:TAG_LENGTH]}"


def news_of(circuit: Circuit) -> dict[str, Any]:
    """How a dependency stands now. Of two of one dependency the one with the greater version is the later."""
    return {
        "news": "dependency",
        "dependency": public_name(circuit.dependency),
        "state": circuit.state.value,
        "since": None if circuit.changed_at is None else circuit.changed_at.isoformat(),
        "version": circuit.version,
    }
