"""Owns one event log of an EVM chain as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

FAMILY: Final = "evm"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvmEvent:
    """One event log in one block, or its retraction; `topics` are 32 bytes each, `address` carries its checksum."""

    chain_id: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int
    address: str
    topics: tuple[bytes, ...]
    data: bytes
    removed: bool = False
    #: How often its block had been read when this was delivered; a retraction carries that of what it takes back.
    occurrence: int = 1

    @property
    def identity(self) -> str:
        """The business key of its task."""
        place = f"{self.block_hash.hex()}:{self.transaction_hash.hex()}:{self.log_index}"
        again = f":{self.occurrence}" if self.occurrence > 1 else ""
        return f"{FAMILY}:{self.chain_id}:{place}{again}{':removed' if self.removed else ''}"

    def retraction(self) -> Self:
        """That this event did not happen after all."""
        return replace(self, removed=True)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "family": FAMILY,
            "chain_id": self.chain_id,
            "block_number": self.block_number,
            "block_hash": _text(self.block_hash),
            "transaction_hash": _text(self.transaction_hash),
            "log_index": self.log_index,
            "address": self.address,
            "topics": [_text(topic) for topic in self.topics],
            "data": _text(self.data),
            "removed": self.removed,
            "occurrence": self.occurrence,
        }

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> Self:
        """From a JSON object. Raises KeyError, ValueError."""
        if event["family"] != FAMILY:
            raise ValueError(f"an event of {event['family']!r} is none of an EVM chain")
        return cls(
            chain_id=int(event["chain_id"]),
            block_number=int(event["block_number"]),
            block_hash=_octets(event["block_hash"]),
            transaction_hash=_octets(event["transaction_hash"]),
            log_index=int(event["log_index"]),
            address=str(event["address"]),
            topics=tuple(_octets(topic) for topic in event["topics"]),
            data=_octets(event["data"]),
            removed=bool(event["removed"]),
            occurrence=int(event["occurrence"]),
        )


def _text(value: bytes) -> str:
    return "0x" + value.hex()


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
