"""Owns the payload of a chain event's task: the event, who delivered it, and when among the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kernel.chain_events import evm, solana, starknet
from kernel.chain_events.evm import EvmEvent
from kernel.chain_events.solana import SolanaEvent
from kernel.chain_events.starknet import StarknetEvent

ChainEvent = EvmEvent | SolanaEvent | StarknetEvent

_FAMILIES: Final[Mapping[str, type[ChainEvent]]] = {
    evm.FAMILY: EvmEvent,
    solana.FAMILY: SolanaEvent,
    starknet.FAMILY: StarknetEvent,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to a task. `sequence` grows with every delivery of one watch, by one or more.

    It is 0 where a webhook told the event before the cursor came to it. Such a delivery is a hint without an order: its
    consumer takes nothing from it but where to look, and asks the chain.
    """

    watch: str
    sequence: int
    event: ChainEvent

    def to_json(self) -> dict[str, Any]:
        """As the payload of a task."""
        return {"watch": self.watch, "sequence": self.sequence, "event": self.event.to_json()}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """From the payload of a task. Raises KeyError, ValueError."""
        event = payload["event"]
        family = _FAMILIES[event["family"]]
        return cls(watch=payload["watch"], sequence=int(payload["sequence"]), event=family.from_json(event))


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """A delivery as its task's payload holds it: the event is JSON, which may be of any family."""

    watch: str
    sequence: int
    event: dict[str, Any]

    @property
    def delivery(self) -> Delivery:
        """What was told. Raises KeyError, ValueError."""
        return Delivery.from_json({"watch": self.watch, "sequence": self.sequence, "event": self.event})
