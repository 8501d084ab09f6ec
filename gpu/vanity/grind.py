"""Owns the search for a key whose address has a pattern, by libsodium, one key after the other on one processor.

1. Draw a seed from the system's randomness. Every seed is drawn anew: whoever knows one knows nothing of another.
2. Its public key is a number; look whether it is among the pattern's (gpu/vanity/form.py).
3. If it is, write the address and compare the text. Then seal the seed to the recipient, prove the key, and tell.
4. After `tries_max` keys tell how many were tried. To try is to forget, so the next search is as good as going on.

A seed is never told, logged or written: the result holds the box.
"""

import os
from collections.abc import Mapping
from typing import Any, Final

from gpu.refusals import InputRefused
from gpu.vanity import box
from gpu.vanity.form import KEY_BYTES, Search, base58, fitting, search_of

#: Seeds that are drawn at once.
DRAWN: Final = 1_024


def run(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], None]:
    """The function as it is offloaded (gpu.vanity.form says what goes in and out). Raises InputRefused."""
    del content
    return _ground(search_of(arguments)), None


def _ground(search: Search) -> dict[str, Any]:
    from nacl.bindings import crypto_sign_seed_keypair

    numbers, tries = fitting(search), 0
    _try_box(search.recipient)  # what fails later would fail beside a found seed
    while tries < search.tries_max:
        drawn = os.urandom(KEY_BYTES * min(DRAWN, search.tries_max - tries))
        for at in range(0, len(drawn), KEY_BYTES):
            public_key, _ = crypto_sign_seed_keypair(drawn[at : at + KEY_BYTES])
            tries += 1
            if int.from_bytes(public_key, "big") in numbers and search.fits(base58(public_key)):
                return {"tries": tries, **_told(search, drawn[at : at + KEY_BYTES], public_key)}
    return {"tries": tries}


def _try_box(recipient: bytes) -> None:
    """Refuse a recipient that nothing can be sealed to: InputRefused."""
    try:
        box.sealed(bytes(KEY_BYTES), recipient, bytes(KEY_BYTES))
    except ValueError:
        raise InputRefused("nothing can be sealed to the recipient") from None


def _told(search: Search, seed: bytes, public_key: bytes) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    sealed = box.sealed(seed, search.recipient, public_key)
    proven = box.to_be_proven(search.recipient, public_key, sealed)
    proof = Ed25519PrivateKey.from_private_bytes(seed).sign(proven)
    return {"address": base58(public_key), "box": sealed.hex(), "proof": proof.hex()}
