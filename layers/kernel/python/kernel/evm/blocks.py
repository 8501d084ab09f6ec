"""Owns what a node tells about blocks, receipts and logs, as typed values instead of hexadecimal text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kernel.evm.addresses import AddressInvalid, checksum

Tag = Literal["latest", "pending", "finalized", "safe", "earliest"]
BlockId = int | Tag
Topics = Sequence[bytes | Sequence[bytes] | None]

SUCCEEDED: Final = 1
# What a column of ours holds. No chain comes near it, and one endpoint that says so must not stop what is to be stored.
HEIGHT_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A block's header as far as it matters here; `time_s` is the Unix time that the block claims."""

    number: int
    hash: bytes
    time_s: int
    base_fee_wei: int

    def __post_init__(self) -> None:
        if self.number > HEIGHT_MAX:
            raise ValueError("a node names a height that is none")

    @classmethod
    def from_rpc(cls, block: Mapping[str, Any]) -> "Head":
        """From eth_getBlockByNumber; a chain before EIP-1559 has a base fee of 0."""
        return cls(
            number=quantity(block["number"]),
            hash=octets(block["hash"]),
            time_s=quantity(block["timestamp"]),
            base_fee_wei=quantity(block.get("baseFeePerGas") or "0x0"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One event log; `topics` are 32 bytes each."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int

    @classmethod
    def from_rpc(cls, log: Mapping[str, Any]) -> "Log":
        """From eth_getLogs or a receipt."""
        return cls(
            address=address_told(log["address"]),
            topics=tuple(octets(topic) for topic in log["topics"]),
            data=octets(log["data"]),
            block_number=quantity(log["blockNumber"]),
            block_hash=octets(log["blockHash"]),
            transaction_hash=octets(log["transactionHash"]),
            log_index=quantity(log["logIndex"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a transaction is in a block, and how it went there."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    gas_price_wei: int
    l1_fee_wei: int  # what an OP-stack chain takes beside the gas, for its data on the chain below; 0 elsewhere
    logs: tuple[Log, ...]

    @classmethod
    def from_rpc(cls, receipt: Mapping[str, Any]) -> "Receipt":
        """From eth_getTransactionReceipt."""
        return cls(
            transaction_hash=octets(receipt["transactionHash"]),
            block_number=quantity(receipt["blockNumber"]),
            block_hash=octets(receipt["blockHash"]),
            succeeded=quantity(receipt["status"]) == SUCCEEDED,
            gas_used=quantity(receipt["gasUsed"]),
            gas_price_wei=quantity(receipt.get("effectiveGasPrice") or "0x0"),
            l1_fee_wei=quantity(receipt.get("l1Fee") or "0x0"),
            logs=tuple(Log.from_rpc(log) for log in receipt["logs"]),
        )


def quantity(text: str) -> int:
    """The integer in JSON-RPC's QUANTITY form. Raises ValueError, also for what only Python takes for a number."""
    if text[:2] != "0x" or not text[2:].isalnum():  # a sign, a blank, an underscore
        raise ValueError("a node names a quantity that is none")
    return int(text, 16)


def octets(text: str) -> bytes:
    """The bytes in JSON-RPC's DATA form."""
    return bytes.fromhex(text[2:])


def address_told(text: str) -> str:
    """The EIP-55 form of an address that a node names. Raises ValueError: a node's mistake is not a caller's."""
    try:
        return checksum(text)
    except AddressInvalid as malformed:
        raise ValueError("a node names an address that is none") from malformed


def block_id(block: BlockId) -> str:
    """A block number or tag as a parameter of a call."""
    return hex(block) if isinstance(block, int) else block


def hexadecimal(value: bytes) -> str:
    """Bytes in JSON-RPC's DATA form."""
    return "0x" + value.hex()


def topics_asked(topics: Topics) -> list[str | list[str] | None]:
    """What each position of a log's topics must be, as a parameter of eth_getLogs: one, one of several, or anything."""
    return [_topic_asked(topic) for topic in topics]


def _topic_asked(topic: bytes | Sequence[bytes] | None) -> str | list[str] | None:
    if topic is None or isinstance(topic, bytes):
        return None if topic is None else hexadecimal(topic)
    return [hexadecimal(one) for one in topic]
