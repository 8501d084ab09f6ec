"""The two hash functions against published values."""

import pytest

from kernel.hashes import keccak256, sha256

pytestmark = pytest.mark.unit


def test_keccak_is_ethereums_not_sha3() -> None:
    """The hash of nothing that every Ethereum account without code carries."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_keccak_gives_a_known_selector() -> None:
    """transfer(address,uint256) is a9059cbb."""
    assert keccak256(b"transfer(address,uint256)")[:4].hex() == "a9059cbb"


def test_sha256_by_its_standards_example() -> None:
    """FIPS 180-4's one-block message."""
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_both_give_32_bytes() -> None:
    """The size that Merkle trees and key hashes rely on."""
    assert (len(keccak256(b"x")), len(sha256(b"x"))) == (32, 32)
