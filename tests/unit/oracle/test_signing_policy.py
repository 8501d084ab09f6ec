"""The signing policy."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.signing_policy import (
    SigningPolicy,
    SigningPolicyMalformed,
    decode_signing_policy,
    encode_signing_policy,
    encoded_size_bytes,
    required_threshold,
    signing_policy_hash,
)
from tests.unit.oracle.facts import unhex
from tests.unit.oracle.slow_reference import keccak

pytestmark = pytest.mark.unit

VOTERS = st.lists(
    st.tuples(st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()), st.integers(0, 600)), max_size=100
)
POLICY = SigningPolicy(
    reward_epoch=242,
    start_voting_round=812_000,
    threshold=300,
    seed=7,
    voters=("0x" + "aa" * 20, "0x" + "bb" * 20),
    weights=(400, 200),
)


@st.composite
def policies(draw: st.DrawFn) -> SigningPolicy:
    """Policies of up to a hundred voters."""
    voters = draw(VOTERS)
    return SigningPolicy(
        reward_epoch=draw(st.integers(0, 2**24 - 1)),
        start_voting_round=draw(st.integers(0, 2**32 - 1)),
        threshold=draw(st.integers(0, 2**16 - 1)),
        seed=draw(st.integers(0, 2**256 - 1)),
        voters=tuple(address for address, _ in voters),
        weights=tuple(weight for _, weight in voters),
    )


@given(policies())
def test_a_policy_comes_back_out_of_its_bytes(policy: SigningPolicy) -> None:
    """Encoding and decoding are inverse, and the size is known from the first two bytes."""
    encoded = encode_signing_policy(policy)

    assert policy == decode_signing_policy(encoded)
    assert len(encoded) == encoded_size_bytes(encoded) == 43 + 22 * len(policy.voters)


def test_the_layout_of_a_policy() -> None:
    """size | reward epoch | start round | threshold | seed | (address | weight)*."""
    expected = "00020000f2000c63e0012c" + "00" * 31 + "07" + "aa" * 20 + "0190" + "bb" * 20 + "00c8"

    assert unhex(expected) == encode_signing_policy(POLICY)


@given(policies())
def test_the_hash_chains_over_zero_padded_chunks(policy: SigningPolicy) -> None:
    """The rule, chunk by chunk."""
    encoded = encode_signing_policy(policy)
    chunks = [encoded[at : at + 32].ljust(32, b"\0") for at in range(0, len(encoded), 32)]
    digest = chunks[0]
    for chunk in chunks[1:]:
        digest = keccak(digest + chunk)

    assert digest == signing_policy_hash(encoded)


@pytest.mark.parametrize("size", [0, 31, 32])
def test_less_than_two_chunks_have_no_hash(size: int) -> None:
    """The first hash takes two."""
    with pytest.raises(SigningPolicyMalformed):
        signing_policy_hash(bytes(size))


@pytest.mark.parametrize("change", [-1, 1, -43, -44])
def test_bytes_of_another_length_are_refused(change: int) -> None:
    """A byte short, a byte too long, cut within the head."""
    encoded = encode_signing_policy(POLICY)

    with pytest.raises(SigningPolicyMalformed):
        decode_signing_policy(encoded[:change] if change < 0 else encoded + bytes(change))


def test_bytes_shorter_than_a_head_are_refused() -> None:
    """Nothing to read a size from."""
    with pytest.raises(SigningPolicyMalformed):
        decode_signing_policy(b"")


def test_weights_past_16_bits_are_refused() -> None:
    """Reading and writing: 65,535 is the most that all weigh together."""
    full = replace(POLICY, weights=(65_000, 535))
    over = encode_signing_policy(full)[:-2] + unhex("0218")

    assert full == decode_signing_policy(encode_signing_policy(full))
    with pytest.raises(SigningPolicyMalformed):
        encode_signing_policy(replace(POLICY, weights=(65_000, 536)))
    with pytest.raises(SigningPolicyMalformed):
        decode_signing_policy(over)


def test_each_voter_has_a_weight() -> None:
    """Two voters, one weight."""
    with pytest.raises(SigningPolicyMalformed):
        encode_signing_policy(replace(POLICY, weights=(1,)))


def test_weight_is_told_by_position() -> None:
    """The first voter weighs 400, both 600."""
    assert 400 == POLICY.weight_of([0])
    assert 600 == POLICY.weight_of([0, 1]) == POLICY.total_weight
    assert {"0x" + "aa" * 20: 0, "0x" + "bb" * 20: 1} == POLICY.positions


def test_an_address_that_is_listed_twice_has_its_first_position() -> None:
    """As the network's programs read it."""
    assert {"0x" + "aa" * 20: 0} == replace(POLICY, voters=("0x" + "aa" * 20,) * 2).positions


@pytest.mark.parametrize(("expected_reward_epoch", "threshold"), [(241, 300), (242, 300), (243, 360), (250, 360)])
def test_an_older_policy_needs_more(expected_reward_epoch: int, threshold: int) -> None:
    """12,000 basis points of the threshold once the round should belong to a newer reward epoch."""
    assert threshold == required_threshold(POLICY, expected_reward_epoch, 12_000)


def test_the_raised_threshold_is_rounded_down() -> None:
    """As the contract divides: 301 * 1.2 = 361.2."""
    assert 361 == required_threshold(replace(POLICY, threshold=301), 243, 12_000)
