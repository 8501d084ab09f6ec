"""Owns one node's view of a cluster: an address's page and a transaction's log, each asked of one endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kernel.jsonrpc.endpoint import Endpoint
from kernel.solana.history import ConfirmedTransaction, SignatureSeen

T = TypeVar("T")

LINES_MAX: Final = 1_000
FINALIZED: Final = {"commitment": "finalized"}


class Incoherent(Exception):
    """A node's answer has another shape than the protocol's, or cannot be true."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A page of an address's history, and the newest slot that the endpoint called final before it told the page."""

    lines: tuple[SignatureSeen, ...]
    ceiling_slot: int


class ClusterView:
    """What one node shows. Raises RpcRefused, EndpointUnavailable, Incoherent."""

    def __init__(self, node: Endpoint) -> None:
        self.node: Final = node

    def final_slot(self) -> int:
        """The newest slot that is final."""
        return _parsed(lambda: int(self.node.call("getSlot", [FINALIZED])))

    def knows(self, signature: str) -> bool:
        """Whether the endpoint has ever heard of a transaction."""
        answer = self.node.call("getSignatureStatuses", [[signature], {"searchTransactionHistory": True}])
        return _parsed(lambda: answer["value"][0] is not None)

    def lines(self, address: str, *, before: str | None, until: str | None) -> Lines | None:
        """The page below `before`, from the newest back; None when the endpoint does not know `before`."""
        ceiling_slot = self.final_slot()
        if before is not None and not self.knows(before):
            return None
        named = {"before": before, "until": until}
        options: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        answer = self.node.call("getSignaturesForAddress", [address, options | FINALIZED | {"limit": LINES_MAX}])
        return Lines(_parsed(lambda: tuple(map(SignatureSeen.from_rpc, answer))), ceiling_slot)

    def transaction(self, signature: str) -> ConfirmedTransaction | None:
        """What a transaction did, or None where it is not known as final."""
        options = {"encoding": "json", "maxSupportedTransactionVersion": 0}
        answer = self.node.call("getTransaction", [signature, options | FINALIZED])
        return None if answer is None else _parsed(lambda: ConfirmedTransaction.from_rpc(answer))


def _parsed(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (LookupError, ValueError, TypeError, AttributeError) as odd:
        raise Incoherent(f"an answer of another shape: {type(odd).__name__}") from odd
