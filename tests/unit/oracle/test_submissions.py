"""Which commit and which reveal of each voter counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.epochs import FLARE
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, SUBMIT_SIGNATURES, Message, encode_calldata
from functions.oracle.core.signature import Signature, SignaturePayload, encode_signature_payload
from functions.oracle.core.submissions import (
    Reveal,
    Submission,
    commits_of,
    decode_commit,
    decode_reveal,
    deposits_of,
    encode_reveal,
    reveals_of,
)

pytestmark = pytest.mark.unit

ROUND = FLARE.voting_epoch(812_576)
ALICE, BOB = "0x" + "aa" * 20, "0x" + "bb" * 20
HASHES = st.binary(min_size=32, max_size=32)


def commit(sender: str, payload: bytes, block: int, index: int = 0, late_s: int = 0) -> Submission:
    calldata = encode_calldata(SUBMIT1, Message(100, ROUND.number, payload))
    return Submission(sender, calldata, ROUND.start_s + late_s, block, index)


def reveal(sender: str, payload: bytes, block: int, late_s: int = 0) -> Submission:
    calldata = encode_calldata(SUBMIT2, Message(100, ROUND.number, payload))
    return Submission(sender, calldata, ROUND.end_s + late_s, block, 0)


@given(st.integers(0, 2**256 - 1), st.integers(0, 5))
def test_a_reveal_comes_back_out_of_its_payload(random: int, slots: int) -> None:
    """Random and values; the random alone is a reveal of nothing."""
    given_reveal = Reveal(random, bytes(4 * slots))

    assert given_reveal == decode_reveal(encode_reveal(given_reveal), 5)


@pytest.mark.parametrize("size", [0, 31, 33, 32 + 4 * 6])
def test_a_payload_that_is_no_reveal_is_refused(size: int) -> None:
    """Less than a random, no whole slots, more slots than the 5 feeds."""
    assert decode_reveal(bytes(size), 5) is None


@pytest.mark.parametrize("random", [-1, 2**256])
def test_a_random_outside_256_bits_is_not_encoded(random: int) -> None:
    """The payload has 32 bytes for it."""
    with pytest.raises(OverflowError):
        encode_reveal(Reveal(random, b""))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_commit_is_32_bytes(size: int) -> None:
    """Anything else does not parse."""
    assert decode_commit(bytes(size)) is None
    assert bytes(32) == decode_commit(bytes(32))


def test_chain_order_is_block_then_place_in_the_block() -> None:
    """Not the order in which an indexer happens to list them."""
    first, second, third = (bytes([number]) * 32 for number in (1, 2, 3))
    submissions = [
        commit(ALICE, third, block=11, index=0),
        commit(ALICE, first, block=9, index=7),
        commit(ALICE, second, block=10, index=3),
    ]

    assert {ALICE: third} == commits_of(submissions, ROUND)
    assert {ALICE: second} == commits_of(submissions[1:], ROUND)


def test_place_in_the_block_decides_within_a_block() -> None:
    """Index 2 is after index 1."""
    one, two = b"\1" * 32, b"\2" * 32

    assert {ALICE: two} == commits_of([commit(ALICE, two, 9, 2), commit(ALICE, one, 9, 1)], ROUND)


@given(st.permutations(range(6)))
def test_the_order_of_listing_changes_nothing(order: list[int]) -> None:
    """Six commits of two senders, listed in any order."""
    submissions = [commit((ALICE, BOB)[n % 2], bytes([n]) * 32, block=n) for n in range(6)]

    assert {ALICE: b"\4" * 32, BOB: b"\5" * 32} == commits_of([submissions[n] for n in order], ROUND)


def test_senders_are_told_apart_by_address_not_by_letter_case() -> None:
    """A checksummed sender is the same voter."""
    submissions = [commit(ALICE, b"\1" * 32, 1), commit(ALICE.upper().replace("X", "x"), b"\2" * 32, 2)]

    assert {ALICE: b"\2" * 32} == commits_of(submissions, ROUND)


@pytest.mark.parametrize(("late_s", "counts"), [(-1, False), (0, True), (89, True), (90, False)])
def test_a_commit_counts_in_its_own_epoch(late_s: int, *, counts: bool) -> None:
    """By the time of its block."""
    assert counts == bool(commits_of([commit(ALICE, bytes(32), 1, late_s=late_s)], ROUND))


@pytest.mark.parametrize(("late_s", "counts"), [(-1, False), (0, True), (44, True), (45, False)])
def test_a_reveal_counts_strictly_before_its_deadline(late_s: int, *, counts: bool) -> None:
    """44 s after the epoch's end is in time, 45 s is late."""
    assert counts == bool(reveals_of([reveal(ALICE, bytes(32), 1, late_s=late_s)], ROUND, 5))


def test_a_commit_sent_as_another_call_does_not_count() -> None:
    """The selector says what a transaction is."""
    as_reveal = commit(ALICE, bytes(32), 1)._replace(
        calldata=encode_calldata(SUBMIT2, Message(100, ROUND.number, bytes(32)))
    )

    assert {} == commits_of([as_reveal], ROUND)


def test_reveals_decode_with_the_rounds_feed_count() -> None:
    """Six slots are too many for five feeds, and right for six."""
    submission = reveal(ALICE, bytes(32 + 4 * 6), 1)

    assert {} == reveals_of([submission], ROUND, 5)
    assert {ALICE: Reveal(0, bytes(24))} == reveals_of([submission], ROUND, 6)


def test_a_deposit_counts_from_the_reveal_deadline_on() -> None:
    """The last one of each sender that decodes; what came before the deadline signed an unfinished round."""
    deposits = [SignaturePayload(1, Signature(27, number, number)) for number in range(3)]
    payloads = [*(encode_signature_payload(deposit) for deposit in deposits), b"\1"]
    submissions = [
        Submission(
            ALICE,
            encode_calldata(SUBMIT_SIGNATURES, Message(100, ROUND.number, payload)),
            ROUND.next.reveal_deadline_s + offset_s,
            block,
            0,
        )
        for block, (payload, offset_s) in enumerate(zip(payloads, [-1, 0, 3, 6], strict=True))
    ]

    assert {ALICE: deposits[2]} == deposits_of(submissions, ROUND)
    assert {ALICE: deposits[1]} == deposits_of(submissions[:2], ROUND)
    assert {} == deposits_of(submissions[:1], ROUND)
