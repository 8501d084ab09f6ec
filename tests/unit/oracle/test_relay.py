"""The call that finalises a round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core import relay, signing_policy
from functions.oracle.core.message import MessageMalformed
from functions.oracle.core.relay import RelayCall, SignaturesUnordered, decode_relay, encode_relay, enough_signatures
from functions.oracle.core.signature import IndexedSignature, Signature
from functions.oracle.core.signing_policy import SigningPolicy, encode_signing_policy
from tests.unit.oracle.facts import unhex

pytestmark = pytest.mark.unit

POLICY = SigningPolicy(
    reward_epoch=1,
    start_voting_round=2,
    threshold=50,
    seed=3,
    voters=tuple("0x" + bytes([n]).hex() * 20 for n in range(5)),
    weights=(10, 30, 20, 30, 10),
)
MESSAGE = b"\x64" + bytes(37)
SIGNATURES = [IndexedSignature(n, Signature(27 + n % 2, 100 + n, 200 + n)) for n in range(5)]
WORDS = st.integers(0, 2**256 - 1)


def chosen(positions: list[int], threshold: int = 50) -> list[int] | None:
    found = enough_signatures(POLICY, [SIGNATURES[n] for n in positions], threshold)
    return None if found is None else [signature.position for signature in found]


def test_the_layout_of_a_relay_call() -> None:
    """selector | policy | message | count | v r s index."""
    expected = "b59589d1" + encode_signing_policy(POLICY).hex() + MESSAGE.hex() + "0001"
    expected += "1c" + "00" * 31 + "65" + "00" * 31 + "c9" + "0001"

    assert unhex(expected) == encode_relay(POLICY, MESSAGE, [SIGNATURES[1]])


@given(st.sets(st.integers(0, 2**16 - 1), max_size=20), st.binary(min_size=38, max_size=38), st.data())
def test_a_relay_call_comes_back_out_of_its_calldata(positions: set[int], message: bytes, data: st.DataObject) -> None:
    """Any signatures in ascending order."""
    signatures = tuple(
        IndexedSignature(position, Signature(27, data.draw(WORDS), data.draw(WORDS))) for position in sorted(positions)
    )

    found = decode_relay(encode_relay(POLICY, message, signatures))

    assert RelayCall(encode_signing_policy(POLICY), message, signatures) == found


def test_an_encoded_policy_may_be_given_as_it_is() -> None:
    """The bytes that the chain announced."""
    assert encode_relay(POLICY, MESSAGE, SIGNATURES) == encode_relay(encode_signing_policy(POLICY), MESSAGE, SIGNATURES)


@pytest.mark.parametrize("positions", [[1, 0], [2, 2]])
def test_signatures_out_of_order_are_refused(positions: list[int]) -> None:
    """The contract would revert, for gas."""
    with pytest.raises(SignaturesUnordered):
        encode_relay(POLICY, MESSAGE, [SIGNATURES[n] for n in positions])


@pytest.mark.parametrize("size", [37, 39])
def test_a_message_of_another_length_is_refused(size: int) -> None:
    """38 bytes exactly."""
    with pytest.raises(MessageMalformed):
        encode_relay(POLICY, bytes(size), [])


@given(st.binary(max_size=300))
def test_no_bytes_make_the_decoder_raise(data: bytes) -> None:
    """Random bytes are no relay call."""
    assert decode_relay(data) is None
    assert decode_relay(b"\xb5\x95\x89\xd1" + data[:100]) is None


@pytest.mark.parametrize("change", [-1, 1])
def test_a_relay_call_of_another_length_is_refused(change: int) -> None:
    """A byte short or too long."""
    calldata = encode_relay(POLICY, MESSAGE, SIGNATURES)

    assert decode_relay(calldata[:change] if change < 0 else calldata + bytes(change)) is None


def test_a_call_of_something_else_is_refused() -> None:
    """By its selector."""
    assert decode_relay(b"\0" + encode_relay(POLICY, MESSAGE, SIGNATURES)[1:]) is None


def test_the_heaviest_signatures_come_first_and_no_more_than_needed() -> None:
    """30 + 30 = 60 is above 50, so two are enough, in ascending order."""
    assert [1, 3] == chosen([4, 3, 2, 1, 0])


def test_the_threshold_must_be_exceeded() -> None:
    """30 + 20 = 50 is not above 50; one more makes 60."""
    assert chosen([1, 2]) is None
    assert [0, 1, 2] == chosen([0, 1, 2])


def test_without_signatures_nothing_is_enough() -> None:
    """Not even for a threshold of zero."""
    assert chosen([]) is None
    assert chosen([], 0) is None


def test_equal_weights_are_taken_by_position() -> None:
    """So that everybody builds the same call."""
    assert [1] == chosen([3, 1], 20)


def test_the_policy_hash_is_found_here_too() -> None:
    """One function under two names."""
    assert signing_policy.signing_policy_hash is relay.signing_policy_hash
