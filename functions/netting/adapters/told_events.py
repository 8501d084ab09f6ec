"""The task of a transaction that the program's cursor or a webhook tells of."""

from dataclasses import dataclass

from kernel.chain_events import SolanaEvent, ToldEvent


@dataclass(frozen=True, slots=True)
class ToldTransaction(ToldEvent):
    """The payload: an event of the program's."""

    @property
    def told(self) -> SolanaEvent:
        """The transaction that was told of. Raises ValueError for an event of another family."""
        told = self.delivery.event
        if not isinstance(told, SolanaEvent):
            raise ValueError("the program is on Solana")
        return told
