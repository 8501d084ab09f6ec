"""What several endpoints' knowledge of a signature comes to: nothing is believed that costs money if it is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.solana.statuses import Confirmation, SignatureStatus, agreed_status, disputed, found_in_block, refuted

pytestmark = pytest.mark.unit

FAILURE = {"InstructionError": [0, {"Custom": 1}]}
PROCESSED, CONFIRMED, FINALIZED = (SignatureStatus(7, confirmation) for confirmation in Confirmation)
ELSEWHERE = SignatureStatus(8, Confirmation.FINALIZED)
FAILED = SignatureStatus(7, Confirmation.FINALIZED, FAILURE)

known = st.builds(
    SignatureStatus, st.integers(7, 8), st.sampled_from(Confirmation), st.sampled_from([None, FAILURE, "AccountInUse"])
)
answers = st.lists(st.none() | known, min_size=2, max_size=5)


@pytest.mark.parametrize(
    ("told", "agreed"),
    [
        ([None, None], None),
        ([FINALIZED, FINALIZED], FINALIZED),
        ([FAILED, FAILED], FAILED),
        ([FINALIZED, CONFIRMED], CONFIRMED),
        ([CONFIRMED, FINALIZED, FINALIZED], FINALIZED),
        ([FINALIZED, None], PROCESSED),
        ([FINALIZED, None, None], PROCESSED),
        ([FINALIZED, FINALIZED, None], FINALIZED),
        ([CONFIRMED, None, CONFIRMED], CONFIRMED),
        ([PROCESSED, FINALIZED, None], PROCESSED),
    ],
)
def test_what_two_answers_come_to(told: list[SignatureStatus | None], agreed: SignatureStatus | None) -> None:
    """As far as two confirm it; what one knows is not unknown."""
    assert agreed == agreed_status(told, 2)


def test_two_outcomes_are_none() -> None:
    """One endpoint says that it failed, or that it landed elsewhere: seen, and nothing follows."""
    disagreeing = [[FINALIZED, FAILED], [FINALIZED, ELSEWHERE], [FAILED, FINALIZED]]

    assert [Confirmation.PROCESSED] * 3 == [
        status.confirmation for told in disagreeing if (status := agreed_status(told, 2)) is not None
    ]


def test_fewer_answers_than_the_quorum_are_no_question() -> None:
    """The pool raises before; here it is a mistake."""
    with pytest.raises(ValueError, match="no quorum"):
        agreed_status([None], 2)


@given(answers)
def test_what_anybody_knows_is_never_unknown(told: list[SignatureStatus | None]) -> None:
    """None comes of nothing but None: a transaction that landed must not be signed anew."""
    assert (agreed_status(told, 2) is None) == all(status is None for status in told)


@given(answers)
def test_a_single_endpoint_finalizes_nothing(told: list[SignatureStatus | None]) -> None:
    """Above PROCESSED stands only what two endpoints say: the same slot, the same outcome, at least so sure."""
    agreed = agreed_status(told, 2)
    order = list(Confirmation)
    witnesses = [
        status
        for status in told
        if agreed is not None
        and status is not None
        and (status.slot, status.error) == (agreed.slot, agreed.error)
        and order.index(status.confirmation) >= order.index(agreed.confirmation)
    ]

    assert agreed is None or agreed.confirmation == Confirmation.PROCESSED or len(witnesses) >= 2


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (None, None),
        ({"slot": 7, "confirmations": 3, "err": None, "confirmationStatus": "confirmed"}, CONFIRMED),
        ({"slot": 7, "confirmations": None, "err": FAILURE, "confirmationStatus": "finalized"}, FAILED),
        ({"slot": 7, "confirmations": None, "err": None}, FINALIZED),
        ({"slot": 7, "confirmations": 0, "err": None, "confirmationStatus": None}, PROCESSED),
    ],
)
def test_a_status_is_read(told: dict[str, Any] | None, status: SignatureStatus | None) -> None:
    """Also as older nodes tell it, by the confirmations that are left to wait for."""
    assert status == SignatureStatus.from_rpc(told)


def test_only_what_is_finalized_stays() -> None:
    """Confirmed is not final."""
    assert [False, False, True] == [status.is_final for status in (PROCESSED, CONFIRMED, FINALIZED)]


@pytest.mark.parametrize("wrong", [{"slot": 7}, {"slot": 7, "err": None, "confirmationStatus": "certain"}])
def test_a_status_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    """A broken provider's answer is no answer."""
    with pytest.raises((LookupError, ValueError)):
        SignatureStatus.from_rpc(wrong)


@pytest.mark.parametrize(
    ("told", "claim"),
    [
        ([FINALIZED, None], FINALIZED),
        ([None, FAILED, None], FAILED),
        ([FINALIZED, FINALIZED, None], None),
        ([FINALIZED, CONFIRMED], None),
        ([CONFIRMED, None], None),
        ([None, None], None),
    ],
)
def test_a_claim_of_finality_that_others_do_not_know_is_disputed(
    told: list[SignatureStatus | None], claim: SignatureStatus | None
) -> None:
    """Not what is agreed, not what two know to different degrees, and not what is only on its way."""
    assert claim == disputed(told, 2)


def test_a_block_tells_what_stands_in_it() -> None:
    """The signature with its outcome, or that it is not there; without a block there is no answer."""
    one = {"transaction": {"signatures": ["A", "B"]}, "meta": {"err": FAILURE}}
    block = {"transactions": [{"transaction": {"signatures": ["C"]}, "meta": {"err": None}}, one]}

    assert SignatureStatus(7, Confirmation.FINALIZED, FAILURE) == found_in_block(block, "A", 7)
    assert found_in_block(block, "D", 7) is None
    with pytest.raises(LookupError):
        found_in_block(None, "A", 7)


@pytest.mark.parametrize(
    ("heard", "lying"),
    [
        ({}, ()),
        ({"C": None}, ()),
        ({"C": None, "D": None}, ("A",)),
        ({"C": None, "D": None, "E": FINALIZED}, ()),
    ],
    ids=["no block", "one block", "two blocks", "blocks that disagree"],
)
def test_only_a_quorum_of_blocks_refutes_a_claim(
    heard: dict[str, SignatureStatus | None], lying: tuple[str, ...]
) -> None:
    """Who claimed it is found out; who knows the same signature otherwise is not touched."""
    told = {"A": FINALIZED, "B": CONFIRMED, "C": None, "D": None, "E": None}

    assert lying == refuted(FINALIZED, told, heard, 2)
