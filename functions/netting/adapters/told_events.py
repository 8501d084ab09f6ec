"""The task of a transaction that the program's cursor or a webhook tells of."""

from dataclasses import dataclass
from typing import Any

from kernel.chain_events import Delivery, SolanaEvent


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """The payload: a delivery as `kernel.chain_events.Delivery` writes it."""

    watch: str
    sequence: int
    event: dict[str, Any]

    @property
    def told(self) -> SolanaEvent:
        """The transaction that was told of. Raises ValueError for an event of another family."""
        payload = {"watch": self.watch, "sequence": self.sequence, "event": self.event}
        told = Delivery.from_json(payload).event
        if not isinstance(told, SolanaEvent):
            raise ValueError("the program is on Solana")
        return told
