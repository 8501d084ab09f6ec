"""Owns the tree over what a batch did to everybody: who owns its items now, and what each wallet's funds moved by.

Its root is kept by the program, so that anybody who is shown a leaf and its proof can check both without us:

    ownership   SHA-256(01 | batch, 16 bytes | owner, 32 bytes | item id, UTF-8)
    cash        SHA-256(02 | batch, 16 bytes | wallet, 32 bytes | delta, i64 little-endian, lamports)
    node        SHA-256(00 | the smaller half | the larger)

The first byte keeps the three kinds apart: no leaf passes for a node, no item for money. The batch's id is in each
leaf, so a proof of one batch shows nothing in another. It is the id under which the API has it, for the program's own
numbers are given settlement by settlement when they are sent. Cash is what a wallet's funds *move by*: what they move
to depends on deposits and withdrawals that no batch decides. Only what is accepted has leaves, and a wallet whose sales
and purchases cancel out has none.

Ownership comes first, by the items' UTF-8 bytes, then cash, by the wallets' bytes. The last node of an odd level is
paired with itself; a batch that did nothing has 32 zero bytes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from functions.netting.core.merkle import Levels, key_of

NODE: Final = b"\x00"
OWNERSHIP: Final = b"\x01"
CASH: Final = b"\x02"


class LeafAbsent(KeyError):
    """The batch did nothing to this item or wallet."""


class StateTree:
    """The tree of one batch. Raises OwnerUnfit for an owner or a wallet that is no public key."""

    def __init__(self, batch: UUID, final_owners: Mapping[str, str], deltas: Mapping[str, int]) -> None:
        items = sorted(final_owners, key=str.encode)
        wallets = sorted(deltas, key=key_of)
        self._items = {item: place for place, item in enumerate(items)}
        self._wallets = {wallet: len(items) + place for place, wallet in enumerate(wallets)}
        leaves = [ownership_leaf(batch, item, final_owners[item]) for item in items]
        leaves += [cash_leaf(batch, wallet, deltas[wallet]) for wallet in wallets]
        self._levels = Levels(leaves, _pair)

    @property
    def root(self) -> bytes:
        """32 bytes."""
        return self._levels.root

    def item_proof(self, item: str) -> list[bytes]:
        """The way from an item's leaf to the root. Raises LeafAbsent."""
        return self._proof(self._items, item)

    def wallet_proof(self, wallet: str) -> list[bytes]:
        """The way from a wallet's leaf to the root. Raises LeafAbsent."""
        return self._proof(self._wallets, wallet)

    def _proof(self, places: Mapping[str, int], name: str) -> list[bytes]:
        if name not in places:
            raise LeafAbsent(name)
        return self._levels.proof(places[name])


def ownership_leaf(batch: UUID, item: str, owner: str) -> bytes:
    """The leaf of an item. Raises OwnerUnfit."""
    return _sha256(OWNERSHIP + batch.bytes + key_of(owner) + item.encode())


def cash_leaf(batch: UUID, wallet: str, delta_lamports: int) -> bytes:
    """The leaf of a wallet's money. Raises OwnerUnfit, and OverflowError past an i64."""
    return _sha256(CASH + batch.bytes + key_of(wallet) + delta_lamports.to_bytes(8, "little", signed=True))


def verify(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a tree of this root has this leaf."""
    node = leaf
    for partner in proof:
        node = _pair(node, partner)
    return node == root


def _pair(one: bytes, other: bytes) -> bytes:
    return _sha256(NODE + min(one, other) + max(one, other))


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
