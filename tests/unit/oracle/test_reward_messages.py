"""What is signed about reward epochs, against an ABI encoder of others."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.reward_messages import claim_counts_hash, registration_message, rewards_message
from kernel.hashes import keccak256

pytestmark = pytest.mark.unit

EPOCHS = st.integers(0, 2**24 - 1)
NUMBERS = st.integers(0, 2**256 - 1)


@given(EPOCHS, st.binary(min_size=20, max_size=20))
def test_a_registration_is_what_the_abi_encoder_writes(reward_epoch: int, voter: bytes) -> None:
    """(uint24, address)."""
    address = "0x" + voter.hex()

    assert encode(["uint24", "address"], [reward_epoch, address]) == registration_message(reward_epoch, address)


@given(EPOCHS, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4), st.binary(min_size=32, max_size=32))
def test_rewards_are_what_the_abi_encoder_writes(reward_epoch: int, counts: list[tuple[int, int]], root: bytes) -> None:
    """(uint24, bytes32, bytes32) over the hash of (uint256, uint256)[]."""
    hashed = keccak256(encode(["(uint256,uint256)[]"], [counts]))

    assert hashed == claim_counts_hash(counts)
    assert encode(["uint24", "bytes32", "bytes32"], [reward_epoch, hashed, root]) == rewards_message(
        reward_epoch, counts, root
    )
