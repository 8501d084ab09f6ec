"""Owns one event of a contract on Starknet as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

FAMILY: Final = "starknet"
_HASH_SIZE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StarknetEvent:
    """What a contract said in one block, or its retraction; `address`, `keys` and `data` are felts.

    ordinal: which of its transaction's events for this watch, counted from 0. The protocol numbers no events before
    its version 0.10, but every node tells them in the order of the chain. Hashes are felts of 32 bytes, big-endian.
    """

    network: str
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    ordinal: int
    address: int
    keys: tuple[int, ...]
    data: tuple[int, ...]
    removed: bool = False
    occurrence: int = 1

    @property
    def identity(self) -> str:
        """The business key of its task."""
        place = f"{self.block_hash.hex()}:{self.transaction_hash.hex()}:{self.ordinal}"
        again = f":{self.occurrence}" if self.occurrence > 1 else ""
        return f"{FAMILY}:{self.network}:{place}{again}{':removed' if self.removed else ''}"

    def retraction(self) -> Self:
        """That this event did not happen after all."""
        return replace(self, removed=True)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "family": FAMILY,
            "network": self.network,
            "block_number": self.block_number,
            "block_hash": "0x" + self.block_hash.hex(),
            "transaction_hash": "0x" + self.transaction_hash.hex(),
            "ordinal": self.ordinal,
            "address": hex(self.address),
            "keys": [hex(key) for key in self.keys],
            "data": [hex(felt) for felt in self.data],
            "removed": self.removed,
            "occurrence": self.occurrence,
        }

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> Self:
        """From a JSON object. Raises KeyError, ValueError, OverflowError."""
        if event["family"] != FAMILY:
            raise ValueError(f"an event of {event['family']!r} is none of Starknet")
        return cls(
            network=str(event["network"]),
            block_number=int(event["block_number"]),
            block_hash=int(event["block_hash"], 16).to_bytes(_HASH_SIZE_BYTES, "big"),
            transaction_hash=int(event["transaction_hash"], 16).to_bytes(_HASH_SIZE_BYTES, "big"),
            ordinal=int(event["ordinal"]),
            address=int(event["address"], 16),
            keys=tuple(int(key, 16) for key in event["keys"]),
            data=tuple(int(felt, 16) for felt in event["data"]),
            removed=bool(event["removed"]),
            occurrence=int(event["occurrence"]),
        )
