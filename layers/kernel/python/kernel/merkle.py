"""Owns the sorted Merkle tree in which Flare publishes a voting round.

Leaves are left-padded to 32 bytes, de-duplicated and sorted ascending. The tree is a heap of 2n-1 nodes: the root at 0,
the children of i at 2i+1 and 2i+2, the leaves last. A parent is keccak256(smaller child || larger child), so a proof is
the list of siblings from the leaf upwards and needs no left or right marks.

An inner node verifies as well as a leaf does. Whoever checks a proof must therefore hash the leaf out of its content
itself, never take the leaf from the prover.
"""

from bisect import bisect_left

from kernel.errors import Invalid, NotFound
from kernel.hashes import HASH_SIZE_BYTES, keccak256


class UnfitLeaves(Invalid):
    """A Merkle tree needs at least one leaf, each of at most 32 bytes."""

    code = "unfit_leaves"


class LeafAbsent(NotFound):
    """The tree has no such leaf."""


class SortedMerkleTree:
    """A tree over `leaves`, which it leaves unchanged. Raises UnfitLeaves."""

    def __init__(self, leaves: list[bytes]) -> None:
        padded = sorted({pad(leaf) for leaf in leaves})
        if not padded:
            raise UnfitLeaves

        self._first_leaf = len(padded) - 1
        self._nodes = [b""] * self._first_leaf + padded
        for i in range(self._first_leaf - 1, -1, -1):
            self._nodes[i] = parent(self._nodes[2 * i + 1], self._nodes[2 * i + 2])

    @property
    def root(self) -> bytes:
        """32 bytes; the leaf itself when there is only one."""
        return self._nodes[0]

    @property
    def leaves(self) -> list[bytes]:
        """The distinct leaves, padded, ascending."""
        return self._nodes[self._first_leaf :]

    def proof(self, leaf: bytes) -> list[bytes]:
        """The siblings from the leaf to below the root; empty when the leaf is the root. Raises LeafAbsent."""
        wanted = pad(leaf)
        position = bisect_left(self._nodes, wanted, lo=self._first_leaf)
        if position == len(self._nodes) or self._nodes[position] != wanted:
            raise LeafAbsent

        siblings = []
        while position > 0:
            siblings.append(self._nodes[position + 1 if position % 2 else position - 1])
            position = (position - 1) // 2
        return siblings


def verify_proof(root: bytes, leaf: bytes, proof: list[bytes]) -> bool:
    """Whether `proof` leads from `leaf` to `root`; malformed parts are simply false."""
    if len(leaf) > HASH_SIZE_BYTES or any(len(sibling) != HASH_SIZE_BYTES for sibling in proof):
        return False

    node = pad(leaf)
    for sibling in proof:
        node = parent(node, sibling)
    return node == root


def parent(one: bytes, other: bytes) -> bytes:
    """The node above two others, whatever their order."""
    return keccak256(min(one, other) + max(one, other))


def pad(leaf: bytes) -> bytes:
    """The leaf as 32 bytes, zeros on the left. Raises UnfitLeaves."""
    if len(leaf) > HASH_SIZE_BYTES:
        raise UnfitLeaves
    return leaf.rjust(HASH_SIZE_BYTES, b"\0")
