"""An order as its row has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.bridge.core.order import Deposit, Order, OrderKey, State


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder(Order):
    """A row of bridge.orders; the migration says what its columns mean."""

    generation: int
    reason: str | None
    round: int
    claims: int
    wakes: int
    decision: Mapping[str, Any] | None
    decided_at: datetime | None
    is_failed: bool
    is_parked: bool
    attempts: int
    next_attempt_at: datetime | None
    gone_at: datetime | None
    losses: int
    is_lost: bool
    fill_hash: bytes | None
    fill_block: int | None
    close_hash: bytes | None
    close_block: int | None
    moved_at: datetime

    @property
    def key(self) -> OrderKey:
        """Its name in the whole world."""
        return self.deposit.key

    @property
    def row(self) -> dict[str, Any]:
        """What names its row."""
        return {"origin": self.key.origin, "order_id": self.key.order_id, "generation": self.generation}

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What its newest decision was made from. ValueError for an order about which nothing was decided."""
        if self.decision is None:
            raise ValueError("an order that is to be filled has a decision")
        found: Mapping[str, Any] = self.decision["inputs"]
        return found

    def business_key(self, step: str, number: int = 1) -> str:
        """The key of one obligation of it: "bridge:zksync:17:fill", from the second on "bridge:zksync:17:fill:2"."""
        return self.key.business_key(step if number == 1 else f"{step}:{number}", self.generation)


def stored(row: Mapping[str, Any]) -> StoredOrder:
    """The order of a row."""
    return StoredOrder(
        deposit=Deposit(
            key=OrderKey(row["origin"], int(row["order_id"])),
            recipient=int(row["recipient"]),
            amount_wei=int(row["amount_wei"]),
            fee_wei=int(row["fee_wei"]),
            block_number=row["block_number"],
            block_hash=bytes(row["block_hash"]),
            transaction_hash=bytes(row["transaction_hash"]),
        ),
        state=State(row["state"]),
        fill_hash=_octets(row["fill_hash"]),
        close_hash=_octets(row["close_hash"]),
        **{name: row[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "seen_at",
    "generation",
    "reason",
    "round",
    "claims",
    "wakes",
    "decision",
    "decided_at",
    "is_failed",
    "is_parked",
    "attempts",
    "next_attempt_at",
    "gone_at",
    "losses",
    "is_lost",
    "fill_block",
    "close_block",
    "moved_at",
)


def _octets(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
