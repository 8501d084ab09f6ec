"""Owns one event log in JSON-RPC's form as a value, and a delivery's logs together with their chain (pure)."""

from dataclasses import dataclass
from typing import Any, Final

from functions.ops.core.hooks.fields import DeliveryUnfit, elements, in_octets, is_set, octets, quantity
from kernel.chain_events import EvmEvent

HASH, ADDRESS = 32, 20
TOPICS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class EvmNotice:
    """What a delivery tells of an EVM chain; addresses in small letters, their checksum is not told."""

    chain_id: int
    events: tuple[EvmEvent, ...]

    @property
    def chain(self) -> str:
        """The chain's name in the house."""
        return f"evm:{self.chain_id}"


def event_of(log: Any, at: str, chain_id: int, *, removed: bool = False) -> EvmEvent:
    """A log as receipts and eth_getLogs have it; `removed` when what it came with says so. Raises DeliveryUnfit."""
    return EvmEvent(
        chain_id=chain_id,
        block_number=quantity(log, "blockNumber", at),
        block_hash=octets(log, "blockHash", at, HASH),
        transaction_hash=octets(log, "transactionHash", at, HASH),
        log_index=quantity(log, "logIndex", at),
        address=address_of(log, at),
        topics=topics_of(log, at),
        data=octets(log, "data", at),
        removed=removed or is_set(log, "removed", at),
    )


def address_of(node: Any, at: str) -> str:
    """The field `address`."""
    return "0x" + octets(node, "address", at, ADDRESS).hex()


def topics_of(node: Any, at: str) -> tuple[bytes, ...]:
    """The field `topics`: at most four."""
    topics = tuple(in_octets(topic, where, HASH) for topic, where in elements(node, "topics", at))
    if len(topics) > TOPICS_MAX:
        raise DeliveryUnfit(f"{at}.topics", f"has more than {TOPICS_MAX} elements")
    return topics
