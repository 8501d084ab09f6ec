"""Owns the tree over a batch's items, by which anybody can check who owns one.

A leaf is SHA-256(SHA-256(item id) | owner's 32 bytes), hashed once more by the tree. Leaves stand in the order of the
items' UTF-8 bytes. A pair is hashed with the smaller half first; a node without a partner is paired with itself. A
tree of no items is 32 zero bytes.

Leaf and node are both SHA-256 of 64 bytes, so a proof shows something only for a leaf that its checker has made.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from kernel import base58

EMPTY: Final = bytes(32)
_OWNER_SIZE_BYTES: Final = 32
#: A batch names each of its wallets many times, and to read one from base58 takes longer than to hash it.
KEYS_REMEMBERED: Final = 1 << 15


class OwnerUnfit(ValueError):
    """An owner is the base58 of 32 bytes."""


class ItemAbsent(KeyError):
    """The batch did not touch this item."""


def root(items: Mapping[str, str]) -> bytes:
    """32 bytes over item and owner. Raises OwnerUnfit."""
    return Tree(items).root


class Tree:
    """All levels of the tree over item and owner. Raises OwnerUnfit."""

    def __init__(self, items: Mapping[str, str]) -> None:
        ordered = sorted(items, key=str.encode)
        self._places = {item: place for place, item in enumerate(ordered)}
        self._levels = Levels([leaf(item, items[item]) for item in ordered], _pair)

    @property
    def root(self) -> bytes:
        """The node on top."""
        return self._levels.root

    def proof(self, item: str) -> list[bytes]:
        """The partners on the way from the item's leaf to the root. Raises ItemAbsent."""
        if item not in self._places:
            raise ItemAbsent(item)
        return self._levels.proof(self._places[item])


class Levels:
    """A tree from its leaves up: each node stands for two, the last of an odd level for itself twice."""

    def __init__(self, leaves: Sequence[bytes], pair: Callable[[bytes, bytes], bytes]) -> None:
        """pair: the node above two, whichever of them is given first."""
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1], pair))

    @property
    def root(self) -> bytes:
        """The node on top; EMPTY without leaves."""
        return self._levels[-1][0] if self._levels[-1] else EMPTY

    def proof(self, place: int) -> list[bytes]:
        """The partners on the way from the leaf at this place to the root."""
        partners = []
        for level in self._levels[:-1]:
            partner = place ^ 1
            partners.append(level[partner if partner < len(level) else place])
            place //= 2
        return partners


def verify(root: bytes, item: str, owner: str, proof: Sequence[bytes]) -> bool:
    """Whether the tree says that the item is this owner's. Raises OwnerUnfit."""
    node = leaf(item, owner)
    for partner in proof:
        node = _pair(node, partner)
    return node == root


def leaf(item: str, owner: str) -> bytes:
    """The node of one item. Raises OwnerUnfit."""
    return _sha256(_sha256(_sha256(item.encode()) + key_of(owner)))


@lru_cache(maxsize=KEYS_REMEMBERED)
def key_of(owner: str) -> bytes:
    """The 32 bytes of a public key. Raises OwnerUnfit."""
    try:
        key = base58.decode(owner)
    except ValueError as unreadable:
        raise OwnerUnfit(owner[:64]) from unreadable
    if len(key) != _OWNER_SIZE_BYTES:
        raise OwnerUnfit(owner[:64])
    return key


def _above(level: Sequence[bytes], pair: Callable[[bytes, bytes], bytes]) -> list[bytes]:
    return [pair(level[place], level[min(place + 1, len(level) - 1)]) for place in range(0, len(level), 2)]


def _pair(one: bytes, other: bytes) -> bytes:
    return _sha256(min(one, other) + max(one, other))


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
