"""Owns the logs bloom of a block header: which addresses and topics the block claims to have logged (pure).

Each address and each topic sets three of 2048 bits: the low 11 bits of the first three pairs of octets of its Keccak
hash (Yellow Paper, section 4.3.1). A bit that is not set proves absence. Bits that are set may have been set by
others, the more so the fuller the block: a claim is a reason to ask somebody else, never a proof.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from kernel.evm.blocks import Log
from kernel.hashes import keccak256

SIZE_BITS: Final = 2_048


@lru_cache(maxsize=4_096)
def bits_of(value: bytes) -> int:
    """The mask that an address (20 bytes) or a topic (32 bytes) sets."""
    digest = keccak256(value)
    mask = 0
    for start in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[start : start + 2], "big") % SIZE_BITS)
    return mask


def claims(bloom: int, value: bytes) -> bool:
    """Whether the bloom says that this address or topic may have been logged."""
    mask = bits_of(value)
    return bloom & mask == mask


def bloom_of(logs: Iterable[Log]) -> int:
    """The bloom of these logs: for all logs of a block it is the header's."""
    bloom = 0
    for log in logs:
        bloom |= bits_of(bytes.fromhex(log.address[2:]))
        for topic in log.topics:
            bloom |= bits_of(topic)
    return bloom
