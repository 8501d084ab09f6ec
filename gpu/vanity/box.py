"""Owns the box in which a found key comes back: only whoever asked opens it.

Whoever asks makes an X25519 pair for this one search and gives its public half away. The seed is sealed to it by HPKE
(RFC 9180: base mode, X25519, HKDF-SHA256, AES-256-GCM) with the address in the info, so that a box fits no other
address. Jobs, results, buckets and logs hold the box; the seed is nowhere but in the grinder's memory, and later in
that of whoever holds the private half. Once that half is erased, nobody opens the box again.

The proof is the key's own signature over recipient, address and box. What is signed begins with the octet 255, which no
transaction of Solana begins with, so it can be nothing else.
"""

import hashlib
from typing import Final

from gpu.vanity.form import KEY_BYTES

DOMAIN: Final = b"\xffcounterpart vanity key v1\x00"
#: An ephemeral public key, the sealed seed, a tag.
BOX_BYTES: Final = 32 + KEY_BYTES + 16
PROOF_BYTES: Final = 64


class BoxUnreadable(ValueError):
    """The box does not open under this key for this address."""


def new_opening() -> tuple[bytes, bytes]:
    """(private, public) halves of a pair for one search, 32 bytes each."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()


def sealed(seed: bytes, recipient: bytes, public_key: bytes) -> bytes:
    """The seed of an address's key as only the recipient opens it."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    return suite.encrypt(seed, X25519PublicKey.from_public_bytes(recipient), DOMAIN + public_key)


def opened(box: bytes, opening: bytes, public_key: bytes) -> bytes:
    """What was sealed for this address to the public half of `opening`. Raises BoxUnreadable."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        return suite.decrypt(box, X25519PrivateKey.from_private_bytes(opening), DOMAIN + public_key)
    except (InvalidTag, ValueError):
        raise BoxUnreadable("the box does not open") from None


def to_be_proven(recipient: bytes, public_key: bytes, box: bytes) -> bytes:
    """What the found key signs."""
    return DOMAIN + recipient + public_key + hashlib.sha256(box).digest()
