"""The tree over what a batch did to items and wallets."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.core.merkle import OwnerUnfit
from functions.netting.core.state_root import LeafAbsent, StateTree, cash_leaf, ownership_leaf, verify
from kernel import base58

pytestmark = pytest.mark.unit
BATCH, OTHER = UUID(int=7), UUID(int=8)
WALLETS = [base58.encode(bytes([n]) * 32) for n in range(1, 8)]


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_the_bytes_of_leaves_and_nodes_by_hand() -> None:
    """Each kind begins with a byte of its own; the batch is in every leaf; the smaller half of a node comes first."""
    owner, seller = bytes([1]) * 32, bytes([2]) * 32
    item = sha256(b"\x01" + BATCH.bytes + owner + b"sword")
    paid = sha256(b"\x02" + BATCH.bytes + owner + (-5).to_bytes(8, "little", signed=True))
    got = sha256(b"\x02" + BATCH.bytes + seller + (5).to_bytes(8, "little", signed=True))
    left = sha256(b"\x00" + min(item, paid) + max(item, paid))
    right = sha256(b"\x00" + got + got)

    tree = StateTree(BATCH, {"sword": WALLETS[0]}, {WALLETS[1]: 5, WALLETS[0]: -5})
    assert sha256(b"\x00" + min(left, right) + max(left, right)) == tree.root
    assert (item, paid) == (ownership_leaf(BATCH, "sword", WALLETS[0]), cash_leaf(BATCH, WALLETS[0], -5))


def test_a_batch_that_did_nothing_has_zeros() -> None:
    """32 of them."""
    assert bytes(32) == StateTree(BATCH, {}, {}).root


@given(
    items=st.dictionaries(st.text(max_size=5), st.sampled_from(WALLETS), max_size=20),
    deltas=st.dictionaries(st.sampled_from(WALLETS), st.integers(-(10**12), 10**12)),
    wrong=st.integers(-(10**12), 10**12),
)
@settings(max_examples=100, derandomize=True)
def test_what_happened_is_proven_and_nothing_else(items: dict[str, str], deltas: dict[str, int], wrong: int) -> None:
    """Of this batch, this owner and this amount; not with a proof that was cut or lengthened."""
    tree = StateTree(BATCH, items, deltas)
    for item, owner in items.items():
        proof = tree.item_proof(item)
        assert verify(tree.root, ownership_leaf(BATCH, item, owner), proof)
        assert not verify(tree.root, ownership_leaf(OTHER, item, owner), proof)
        assert not verify(tree.root, ownership_leaf(BATCH, item, owner), [*proof, bytes(32)])
        assert all(not verify(tree.root, ownership_leaf(BATCH, item, one), proof) for one in WALLETS if one != owner)
    for wallet, delta in deltas.items():
        proof = tree.wallet_proof(wallet)
        assert verify(tree.root, cash_leaf(BATCH, wallet, delta), proof)
        assert verify(tree.root, cash_leaf(BATCH, wallet, wrong), proof) == (wrong == delta)


def test_no_item_passes_for_money() -> None:
    """An item whose name is a delta's eight bytes has another leaf than the delta."""
    name = (1).to_bytes(8, "little").decode()

    assert ownership_leaf(BATCH, name, WALLETS[0]) != cash_leaf(BATCH, WALLETS[0], 1)


def test_the_order_in_which_things_are_given_does_not_matter() -> None:
    """Items stand in the order of their UTF-8 bytes, wallets in that of theirs."""
    items, deltas = {"ä": WALLETS[0], "z": WALLETS[1]}, {WALLETS[2]: 1, WALLETS[3]: -1}
    backwards = StateTree(BATCH, dict(reversed(items.items())), dict(reversed(deltas.items())))

    assert StateTree(BATCH, items, deltas).root == backwards.root


def test_what_the_batch_did_not_touch_has_no_proof() -> None:
    """Nor has a wallet that is no public key a leaf."""
    tree = StateTree(BATCH, {"sword": WALLETS[0]}, {})
    with pytest.raises(LeafAbsent):
        tree.item_proof("shield")
    with pytest.raises(LeafAbsent):
        tree.wallet_proof(WALLETS[0])
    with pytest.raises(OwnerUnfit):
        cash_leaf(BATCH, "x", 1)
