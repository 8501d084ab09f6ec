"""Owns what a signature is worth: Ed25519 as Solana's own programs check it.

The strict check of `ed25519-dalek`, which `solders` brings: beside the equation it wants a scalar below the group's
order, and neither the key nor the signature's point of small order. Without those one signature could be written in two
ways, and a key could be made under which one signature is good for every message. OpenSSL's check, that of
`cryptography`, lets keys of small order pass, and takes twice as long (tests/bench/test_bench_netting_intake.py).
"""

from collections.abc import Iterable
from typing import NamedTuple

from kernel import base58


class Claim(NamedTuple):
    """That the owner of a key, in base58, signed these bytes."""

    key: str
    message: bytes
    signature: bytes


def are_true(claims: Iterable[Claim]) -> list[bool]:
    """Which of the claims hold. Something that is no key, or no signature, has signed nothing."""
    from solders.pubkey import Pubkey
    from solders.signature import Signature

    def holds(claim: Claim) -> bool:
        try:
            key, signature = Pubkey.from_string(claim.key), Signature.from_bytes(claim.signature)
        except ValueError:
            return False
        return signature.verify(key, claim.message)

    return [holds(claim) for claim in claims]


def text_of(octets: bytes) -> str:
    """A signature as it is written."""
    return base58.encode(bytes(octets))


def octets_of(text: str) -> bytes:
    """The 64 bytes of a signature that is written like that; no bytes, with which nobody signed, for another text."""
    from solders.signature import Signature

    try:
        return bytes(Signature.from_string(text))
    except ValueError:
        return b""
