"""The tree over a batch's items."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.core.merkle import ItemAbsent, OwnerUnfit, Tree, leaf, root, verify
from kernel import base58
from tests.repo.house import ROOT

pytestmark = pytest.mark.unit
FACT = json.loads((ROOT / "tests/fixtures/netting/clearing.json").read_text(encoding="utf-8"))["merkle"]
OWNERS = [base58.encode(bytes([n]) * 32) for n in range(1, 8)]


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_the_published_root() -> None:
    """Of one item."""
    assert root(dict(FACT["items"])).hex() == FACT["root"]


def test_three_items_by_hand() -> None:
    """Pairs with the smaller half first; the third is paired with itself."""
    items = {"b": OWNERS[1], "a": OWNERS[0], "c": OWNERS[2]}
    one, two, three = (leaf(name, items[name]) for name in "abc")
    left = sha256(min(one, two) + max(one, two))
    right = sha256(three + three)

    assert root(items) == sha256(min(left, right) + max(left, right))


def test_no_items_are_zeros() -> None:
    """32 of them."""
    assert root({}) == bytes(32)


@given(
    items=st.dictionaries(st.text(max_size=5), st.sampled_from(OWNERS), min_size=1, max_size=20),
    other=st.sampled_from(OWNERS),
)
@settings(max_examples=100, derandomize=True)
def test_each_item_is_proven_and_no_other_owner(items: dict[str, str], other: str) -> None:
    """Also not with a proof that was cut or lengthened."""
    tree = Tree(items)
    for item, owner in items.items():
        proof = tree.proof(item)
        assert verify(tree.root, item, owner, proof)
        assert verify(tree.root, item, other, proof) == (other == owner)
        assert not verify(tree.root, item, owner, [*proof, bytes(32)])
        assert not proof or not verify(tree.root, item, owner, proof[:-1])


def test_an_item_of_another_batch_has_no_proof() -> None:
    """It was not touched."""
    with pytest.raises(ItemAbsent):
        Tree({"a": OWNERS[0]}).proof("b")


@pytest.mark.parametrize("owner", ["", "0", base58.encode(bytes(31)), base58.encode(b"\1" * 33)])
def test_an_owner_is_a_public_key(owner: str) -> None:
    """Of 32 bytes."""
    with pytest.raises(OwnerUnfit):
        root({"a": owner})
