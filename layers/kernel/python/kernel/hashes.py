"""Owns the two hash functions of the house: Keccak-256 as Ethereum uses it, and SHA-256."""

import hashlib

import sha3

HASH_SIZE_BYTES = 32


def keccak256(data: bytes) -> bytes:
    """32 bytes; the original Keccak padding, which differs from the later SHA3-256."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest


def sha256(data: bytes) -> bytes:
    """32 bytes of SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()
