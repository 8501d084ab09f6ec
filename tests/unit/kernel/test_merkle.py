"""The sorted Merkle tree: published roots and proofs, Flare's own implementation, and the laws of proofs."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.merkle import MerkleTree

from kernel.hashes import keccak256
from kernel.merkle import LeafAbsent, SortedMerkleTree, UnfitLeaves, verify_proof

pytestmark = pytest.mark.unit

FIXTURE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures/kernel/merkle.json").read_text(encoding="utf-8")
)
LEAVES = st.lists(st.binary(min_size=1, max_size=32), min_size=1, max_size=40)


def octets(text: str) -> bytes:
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))


@pytest.mark.parametrize("case", FIXTURE["roots"], ids=lambda case: f"{len(case['leaves'])}-leaves")
def test_published_roots(case: dict[str, Any]) -> None:
    """The root of the published leaves is the published root."""
    tree = SortedMerkleTree([octets(leaf) for leaf in case["leaves"]])

    assert octets(case["root"]) == tree.root


@pytest.mark.parametrize("case", FIXTURE["proofs"], ids=lambda case: str(case["leaf"]))
def test_published_proofs(case: dict[str, Any]) -> None:
    """A proof lists the siblings from the leaf upwards."""
    tree = SortedMerkleTree([octets(leaf) for leaf in case["leaves"]])

    assert [octets(sibling) for sibling in case["proof"]] == tree.proof(octets(case["leaf"]))


@given(LEAVES)
def test_every_leaf_has_a_proof_that_verifies(leaves: list[bytes]) -> None:
    """A proof made for any leaf leads to the root."""
    tree = SortedMerkleTree(leaves)

    assert all(verify_proof(tree.root, leaf, tree.proof(leaf)) for leaf in leaves)


@given(LEAVES, st.data())
def test_a_flipped_bit_of_a_proof_fails(leaves: list[bytes], data: st.DataObject) -> None:
    """No bit of leaf, proof or root can change."""
    tree = SortedMerkleTree(leaves)
    leaf = data.draw(st.sampled_from(tree.leaves))
    parts = [tree.root, leaf, *tree.proof(leaf)]
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))

    parts[which] = (int.from_bytes(parts[which]) ^ (1 << bit)).to_bytes(32)

    assert not verify_proof(parts[0], parts[1], parts[2:])


@given(LEAVES)
def test_agrees_with_flares_own_tree(leaves: list[bytes]) -> None:
    """Root and proofs equal those of py-flare-common."""
    tree = SortedMerkleTree(leaves)
    theirs = MerkleTree([leaf.hex().rjust(64, "0") for leaf in leaves])

    assert theirs.root == "0x" + tree.root.hex()
    for leaf in tree.leaves:
        assert theirs.get_proof(leaf.hex()) == ["0x" + sibling.hex() for sibling in tree.proof(leaf)]


@given(LEAVES, st.randoms(use_true_random=False))
def test_order_and_repetition_of_leaves_do_not_matter(leaves: list[bytes], chance: Any) -> None:
    """The tree is over a set, and the caller's list stays as it was."""
    shuffled = leaves + leaves[:3]
    chance.shuffle(shuffled)
    before = list(shuffled)

    assert SortedMerkleTree(leaves).root == SortedMerkleTree(shuffled).root
    assert before == shuffled


def test_one_leaf_is_its_own_root() -> None:
    """A round with one leaf has the leaf as root and an empty proof."""
    tree = SortedMerkleTree([b"\x07"])

    assert b"\x07".rjust(32, b"\0") == tree.root
    assert tree.proof(b"\x07") == []


def test_parents_hash_the_smaller_child_first() -> None:
    """Two leaves: keccak256(min || max)."""
    small, large = b"\x01".rjust(32, b"\0"), b"\x02".rjust(32, b"\0")

    assert keccak256(small + large) == SortedMerkleTree([large, small]).root


def test_an_absent_leaf_has_no_proof() -> None:
    """Neither between the leaves nor beyond them."""
    tree = SortedMerkleTree([b"\x02", b"\x04"])
    for absent in (b"\x01", b"\x03", b"\x05"):
        with pytest.raises(LeafAbsent):
            tree.proof(absent)


@pytest.mark.parametrize("leaves", [[], [b"\x01" * 33]], ids=["none", "too-long"])
def test_unfit_leaves_are_refused(leaves: list[bytes]) -> None:
    """An empty tree and a leaf of 33 bytes are refused."""
    with pytest.raises(UnfitLeaves):
        SortedMerkleTree(leaves)


def test_malformed_proofs_are_false_and_raise_nothing() -> None:
    """Siblings or leaves of a wrong length verify nothing."""
    tree = SortedMerkleTree([b"\x01", b"\x02"])

    assert not verify_proof(tree.root, b"\x01", [b"\x02"])
    assert not verify_proof(tree.root, b"\x01" * 33, [])
    assert not verify_proof(tree.root, b"\x01", [])
