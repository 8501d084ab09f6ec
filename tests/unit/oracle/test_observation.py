"""What a data provider did wrong, as the chain tells it."""

import pytest

from functions.oracle.core.observation import Fault, Watched, signature_faults, submission_faults
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, SUBMIT_SIGNATURES, Message, encode_calldata
from functions.oracle.core.signature import Signature, SignaturePayload, encode_signature_payload
from functions.oracle.core.submissions import Submission, encode_reveal
from tests.unit.oracle.electorate import FEEDS, ROUND, Chain, Voter, honest_round

pytestmark = pytest.mark.unit

ALICE, BOB, CAROL = (Voter(number) for number in (1, 2, 3))
DIGEST = bytes(32)
SIGNED, OTHER = Signature(27, 1, 1), Signature(28, 2, 2)
#: Whose signature is which, instead of a curve.
SIGNERS = {SIGNED: "0xAA", OTHER: "0xBB"}


def faults(chain: Chain, *voters: Voter) -> dict[str, Fault]:
    return submission_faults(ROUND, chain.submissions, [voter.address for voter in voters], len(FEEDS))


def submitted(voter: Voter, selector: bytes, payload: bytes, at_s: int) -> Submission:
    return Submission(voter.address, encode_calldata(selector, Message(100, ROUND.number, payload)), at_s, 0, 0)


def only(*submissions: Submission) -> Chain:
    return Chain(list(submissions))


def committed(*more: Submission) -> Chain:
    return only(submitted(ALICE, SUBMIT1, ALICE.hash(), ROUND.start_s), *more)


def test_who_does_everything_in_time_has_no_fault() -> None:
    """Nobody of three."""
    assert {} == faults(honest_round([ALICE, BOB, CAROL]), ALICE, BOB, CAROL)


@pytest.mark.parametrize(("at_s", "fault"), [(ROUND.start_s - 1, Fault.COMMIT_EARLY), (ROUND.end_s, Fault.COMMIT_LATE)])
def test_a_commit_outside_its_epoch(at_s: int, fault: Fault) -> None:
    """The second before, and the second after."""
    assert {ALICE.address: fault} == faults(only(submitted(ALICE, SUBMIT1, ALICE.hash(), at_s)), ALICE)


def test_no_commit_and_one_that_nobody_can_read() -> None:
    """31 bytes are no hash."""
    unreadable = only(submitted(ALICE, SUBMIT1, bytes(31), ROUND.start_s))

    assert {ALICE.address: Fault.COMMIT_UNREADABLE, BOB.address: Fault.COMMIT_MISSING} == faults(unreadable, ALICE, BOB)


def test_a_message_of_another_round_is_none() -> None:
    """Nor is one of another protocol."""
    strange = [encode_calldata(SUBMIT1, Message(100, ROUND.number + 1, ALICE.hash()))]
    strange += [encode_calldata(SUBMIT1, Message(200, ROUND.number, ALICE.hash()))]
    chain = only(*(Submission(ALICE.address, calldata, ROUND.start_s, 0, 0) for calldata in strange))

    assert {ALICE.address: Fault.COMMIT_MISSING} == faults(chain, ALICE)


@pytest.mark.parametrize(
    ("at_s", "fault"),
    [(ROUND.end_s - 1, Fault.REVEAL_EARLY), (ROUND.next.reveal_deadline_s, Fault.REVEAL_LATE)],
)
def test_a_reveal_outside_its_window(at_s: int, fault: Fault) -> None:
    """The second before, and the second after."""
    reveal = submitted(ALICE, SUBMIT2, encode_reveal(ALICE.reveal), at_s)

    assert {ALICE.address: fault} == faults(committed(reveal), ALICE)


def test_a_reveal_that_is_missing_unreadable_or_another_one() -> None:
    """Each has a name of its own."""
    unreadable = submitted(ALICE, SUBMIT2, bytes(33), ROUND.end_s)
    another = submitted(ALICE, SUBMIT2, encode_reveal(BOB.reveal), ROUND.end_s)

    assert {ALICE.address: Fault.REVEAL_MISSING} == faults(committed(), ALICE)
    assert {ALICE.address: Fault.REVEAL_UNREADABLE} == faults(committed(unreadable), ALICE)
    assert {ALICE.address: Fault.REVEAL_MISMATCH} == faults(committed(another), ALICE)


def test_a_late_reveal_is_late_even_beside_an_unreadable_one() -> None:
    """What could be read says more."""
    late = submitted(ALICE, SUBMIT2, encode_reveal(ALICE.reveal), ROUND.next.reveal_deadline_s)
    unreadable = submitted(ALICE, SUBMIT2, bytes(33), ROUND.end_s)

    assert {ALICE.address: Fault.REVEAL_LATE} == faults(committed(unreadable, late), ALICE)


def test_who_has_not_committed_owes_no_reveal() -> None:
    """The commit's fault is the only one."""
    reveal = submitted(ALICE, SUBMIT2, encode_reveal(ALICE.reveal), ROUND.end_s)

    assert {ALICE.address: Fault.COMMIT_MISSING} == faults(only(reveal), ALICE)


def test_a_sender_that_is_not_registered_is_told() -> None:
    """Whatever it reveals."""
    assert {CAROL.address: Fault.NOT_REGISTERED} == faults(honest_round([ALICE, CAROL]), ALICE)


def signed(
    *deposits: tuple[int, Signature | bytes], finalised_at_s: float | None = None, sender: str = "0xcc"
) -> dict[str, Fault]:
    """Deposits by seconds from the reveal deadline, judged for the voter 0xaa; (late) finalisation in seconds, too."""
    begins = ROUND.next.reveal_deadline_s
    submissions = [
        Submission(
            sender,
            encode_calldata(
                SUBMIT_SIGNATURES,
                Message(
                    100,
                    ROUND.number,
                    what if isinstance(what, bytes) else encode_signature_payload(SignaturePayload(1, what)),
                ),
            ),
            begins + at_s,
            0,
            0,
        )
        for at_s, what in deposits
    ]
    finalised = None if finalised_at_s is None else begins + finalised_at_s
    voter = Watched(submit="0xdd", submit_signatures="0xcc", signing_policy="0xaa")
    return signature_faults(ROUND, submissions, [voter], DIGEST, finalised, lambda _, one: SIGNERS.get(one))


def test_a_signature_in_time_is_no_fault() -> None:
    """At the deadline; at the second of the finalisation; within ten seconds, though the round was finalised before."""
    assert (
        {} == signed((0, SIGNED)) == signed((30, SIGNED), finalised_at_s=30) == signed((14, SIGNED), finalised_at_s=2)
    )


def test_a_signature_too_early_too_late_or_not_at_all() -> None:
    """The second before the deadline; the second after the finalisation, or after the grace period."""
    assert {"0xdd": Fault.SIGNATURE_EARLY} == signed((-1, SIGNED))
    assert {"0xdd": Fault.SIGNATURE_LATE} == signed((31, SIGNED), finalised_at_s=30)
    assert {"0xdd": Fault.SIGNATURE_LATE} == signed((15, SIGNED), finalised_at_s=2)
    assert {"0xdd": Fault.SIGNATURE_LATE} == signed((46, SIGNED))
    assert {"0xdd": Fault.SIGNATURE_MISSING} == signed() == signed((1, SIGNED), sender="0xee")


def test_a_signature_by_another_key_or_of_another_message_is_wrong() -> None:
    """Recovered, it is somebody else's or nobody's; a right one beside it counts."""
    assert {"0xdd": Fault.SIGNATURE_WRONG} == signed((1, OTHER))
    assert {"0xdd": Fault.SIGNATURE_WRONG} == signed((1, Signature(27, 9, 9)))
    assert {} == signed((1, OTHER), (2, SIGNED))


def test_a_deposit_that_is_none_is_unreadable() -> None:
    """Of an unknown type."""
    assert {"0xdd": Fault.SIGNATURE_UNREADABLE} == signed((1, b"\x07" + bytes(65)))
