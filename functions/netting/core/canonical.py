"""Owns the bytes by which a batch's result is known, to us, to the program and to whoever checks us.

    count u32 | for each item, ascending:    length u32, item utf-8 | length u32, owner utf-8
    count u32 | for each wallet, ascending:  length u32, wallet utf-8 | delta i64
    count u32 | for each accepted intent:    length u32, id utf-8        ascending

Numbers are little-endian; "ascending" is by the UTF-8 bytes. The hash is SHA-256 of all of it.
"""

import hashlib
from collections.abc import Collection, Mapping


def result_hash(final_owners: Mapping[str, str], deltas: Mapping[str, int], accepted: Collection[str]) -> bytes:
    """32 bytes, the same whatever the order in which the parts are given. Raises OverflowError past an i64."""
    return hashlib.sha256(canonical_bytes(final_owners, deltas, accepted)).digest()


def canonical_bytes(final_owners: Mapping[str, str], deltas: Mapping[str, int], accepted: Collection[str]) -> bytes:
    """What is hashed."""
    owners = sorted((item.encode(), owner.encode()) for item, owner in final_owners.items())
    moved = sorted((wallet.encode(), delta) for wallet, delta in deltas.items())
    ids = sorted(one.encode() for one in accepted)
    return b"".join(
        [
            _u32(len(owners)),
            *(_prefixed(item) + _prefixed(owner) for item, owner in owners),
            _u32(len(moved)),
            *(_prefixed(wallet) + delta.to_bytes(8, "little", signed=True) for wallet, delta in moved),
            _u32(len(ids)),
            *map(_prefixed, ids),
        ]
    )


def _prefixed(text: bytes) -> bytes:
    return _u32(len(text)) + text


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")
