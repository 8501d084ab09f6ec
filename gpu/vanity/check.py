"""Owns the check of a search that somebody else did: without opening the box, by the proof of the found key.

It counts if the address has the pattern, and the key of the address itself has signed recipient, address and box. That
the box holds this very key is seen by whoever opens it, who derives the address anew before anything is stored.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from gpu.refusals import InputRefused
from gpu.vanity.box import BOX_BYTES, PROOF_BYTES, to_be_proven
from gpu.vanity.form import Search, public_key_of, search_of

FOUND: Final = frozenset({"tries", "address", "box", "proof"})
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


def problem_of(
    arguments: Mapping[str, Any], content: bytes | None, result: Mapping[str, Any], output: bytes | None
) -> str | None:
    """What is wrong with a result of gpu.vanity.grind, or None."""
    try:
        search = search_of(arguments)
    except InputRefused as refused:
        return str(refused)
    if content is not None or output is not None:
        return "a search has neither input nor output"
    tries = result.get("tries")
    if not isinstance(tries, int) or isinstance(tries, bool) or not 0 < tries <= search.tries_max:
        return "the tries are not told"
    if set(result) == {"tries"}:
        return None if tries == search.tries_max else "nothing was found, and not all was tried"
    return _problem(search, result)


def _problem(search: Search, result: Mapping[str, Any]) -> str | None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if set(result) != FOUND:
        return "the result has other fields than a find"
    public_key = public_key_of(result["address"])
    if public_key is None or not search.fits(result["address"]):
        return "the address has not the pattern"
    box, proof = _octets(result["box"], BOX_BYTES), _octets(result["proof"], PROOF_BYTES)
    if box is None or proof is None:
        return "the box or the proof is not as long as one"
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(proof, to_be_proven(search.recipient, public_key, box))
    except (InvalidSignature, ValueError):
        return "the key of the address has not signed"
    return None


def _octets(text: Any, size: int) -> bytes | None:
    fits = isinstance(text, str) and len(text) == 2 * size and _HEX.fullmatch(text)
    return bytes.fromhex(text) if fits else None
