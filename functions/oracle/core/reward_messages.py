"""Owns what the signing-policy key signs about reward epochs, as the contracts hash it.

    registration    keccak256(abi.encode(uint24 reward epoch, address voter))
    rewards         keccak256(abi.encode(uint24 reward epoch, bytes32 hash of the claim counts, bytes32 root))
    claim counts    keccak256(abi.encode((uint256 reward manager, uint256 weight-based claims)[]))

The signed digest is EIP-191 of the hash, as of a round's message (`message.py`).
"""

from collections.abc import Sequence

from kernel.abi import address_word, padded, uint_word
from kernel.hashes import keccak256


def registration_message(reward_epoch: int, voter: str) -> bytes:
    """What is hashed and signed for a registration. Raises AddressInvalid."""
    return uint_word(reward_epoch) + address_word(voter)


def rewards_message(reward_epoch: int, counts: Sequence[tuple[int, int]], root: bytes) -> bytes:
    """What is hashed and signed for rewards. counts: reward manager's id, its claims by weight."""
    return uint_word(reward_epoch) + claim_counts_hash(counts) + padded(root)


def claim_counts_hash(counts: Sequence[tuple[int, int]]) -> bytes:
    """The hash of the claim counts, 32 bytes."""
    rows = b"".join(uint_word(manager) + uint_word(claims) for manager, claims in counts)
    return keccak256(uint_word(32) + uint_word(len(counts)) + rows)
