"""The next step of an entry, fact by fact."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.evm.blocks import Head, Receipt
from kernel.evm.fees import GWEI, FeePolicy, Fees
from kernel.evm.refusals import Refusal
from kernel.evm.rpc import Delivery
from kernel.outbox.evm.decision import (
    OutboxPolicy,
    Plan,
    Send,
    Settle,
    Sighting,
    Sign,
    Trace,
    Wait,
    decide,
    pause_s,
    settling_events,
    verdict,
)
from kernel.outbox.evm.entries import OutboxEntry, Purpose, SignedPayload
from kernel.outbox.evm.lifecycle import Event, State, after

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
POLICY = OutboxPolicy(fees=FeePolicy(fee_cap_wei=100 * GWEI, tip_cap_wei=5 * GWEI), confirmations=1)
HEAD = Head(number=100, hash=b"\x0a" * 32, time_s=0, base_fee_wei=10 * GWEI)
FRESH = Fees(max_fee_wei=22 * GWEI, tip_wei=2 * GWEI)  # 2 · 10 + 2
SIGNER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def payload(ordinal: int = 1, **changes: Any) -> SignedPayload:
    base = SignedPayload(
        ordinal=ordinal,
        purpose=Purpose.EFFECT,
        fees=Fees(max_fee_wei=16 * GWEI, tip_wei=2 * GWEI),
        raw=bytes([ordinal]),
        hash=bytes([ordinal]) * 32,
        signed_at_block=90,
        signed_at=NOW,
        sent_at=NOW,
        accepted_at=NOW,
        refusal=None,
    )
    return replace(base, **changes)


def entry(*payloads: SignedPayload, **changes: Any) -> OutboxEntry:
    base = OutboxEntry(
        id=UUID(int=1),
        business_key="pay-1",
        service="oracle",
        chain_id=14,
        signer=SIGNER,
        nonce=4,
        to=SIGNER,
        data=b"\x01",
        value_wei=7,
        gas_limit=50_000,
        valid_until=None,
        state=State.BROADCAST if payloads else State.RECORDED,
        reason=None,
        leases=1,
        transaction_hash=None,
        block_number=None,
        gas_used=None,
        gas_price_wei=None,
        fee_wei=None,
        alarm=None,
        alarmed_at=None,
        recorded_at=NOW,
        settled_at=None,
        payloads=payloads,
    )
    return replace(base, **changes)


def sighting(**changes: Any) -> Sighting:
    base = Sighting(now=NOW, head=HEAD, suggested_tip_wei=2 * GWEI, final_block=95, nonces_used=4, known=True)
    return replace(base, **changes)


def receipt(block: int, *, of: SignedPayload, succeeded: bool = True) -> dict[bytes, Receipt]:
    found = Receipt(
        transaction_hash=of.hash,
        block_number=block,
        block_hash=b"\x0b" * 32,
        succeeded=succeeded,
        gas_used=21_000,
        gas_price_wei=GWEI,
        l1_fee_wei=0,
        logs=(),
    )
    return {of.hash: found}


def test_an_unsigned_entry_is_signed_at_the_going_price() -> None:
    """The stored effect, at twice the base fee plus the tip."""
    assert decide(entry(), sighting(), POLICY) == Plan(step=Sign(Purpose.EFFECT, FRESH))


@pytest.mark.parametrize(("late_s", "purpose"), [(-1, Purpose.EFFECT), (0, Purpose.CANCELLATION)])
def test_an_unsigned_entry_past_its_time_is_cancelled(late_s: int, purpose: Purpose) -> None:
    """The window is half-open: at valid_until the effect is no longer wanted."""
    late = entry(valid_until=NOW - timedelta(seconds=late_s))

    assert decide(late, sighting(), POLICY).step == Sign(purpose, FRESH)


def test_accepted_and_known_bytes_are_left_to_the_chain() -> None:
    """Nothing to do but look again."""
    assert decide(entry(payload()), sighting(), POLICY) == Plan(step=Wait())


def test_bytes_that_nobody_accepted_are_sent() -> None:
    """Committed by a process that died before it could send them, however long ago."""
    orphan = payload(sent_at=None, accepted_at=None, signed_at=NOW - timedelta(days=1))

    assert decide(entry(orphan, state=State.SIGNED), sighting(known=False), POLICY) == Plan(step=Send())


def test_bytes_that_the_node_forgot_are_sent_again() -> None:
    """Dropped from the pool."""
    assert decide(entry(payload()), sighting(known=False), POLICY) == Plan(step=Send())


def test_bytes_that_the_node_has_although_it_said_otherwise_count_as_accepted() -> None:
    """The answer got lost, the transaction did not."""
    silent = entry(payload(accepted_at=None), state=State.SIGNED)

    assert decide(silent, sighting(known=True), POLICY) == Plan(step=Wait(), events=(Event.ACCEPT,))


def test_a_receipt_in_a_block_that_is_not_final_is_waited_for() -> None:
    """Block 96 of 95 final ones; told once."""
    pay = payload()
    young = sighting(receipts=receipt(96, of=pay), nonces_used=5)

    assert decide(entry(pay), young, POLICY) == Plan(step=Wait(), events=(Event.MINE,))
    assert decide(entry(pay, state=State.MINED), young, POLICY) == Plan(step=Wait())


@pytest.mark.parametrize(
    ("purpose", "succeeded", "end"),
    [
        (Purpose.EFFECT, True, Event.CONFIRM),
        (Purpose.EFFECT, False, Event.REVERT),
        (Purpose.CANCELLATION, True, Event.CANCEL),
        (Purpose.CANCELLATION, False, Event.CANCEL),  # the nonce is used either way
    ],
)
def test_a_final_receipt_settles(purpose: Purpose, succeeded: bool, end: Event) -> None:
    """The payload that was mined, and its status, decide the end."""
    pay = payload(purpose=purpose)
    found = receipt(95, of=pay, succeeded=succeeded)
    plan = decide(entry(pay), sighting(receipts=found, nonces_used=5), POLICY)

    assert plan == Plan(step=Settle(found[pay.hash]), events=(Event.MINE,))
    assert settling_events(entry(pay), found[pay.hash]) == (Event.MINE, end)


def test_an_older_payload_may_be_the_one_that_was_mined() -> None:
    """The effect won against its cancellation."""
    effect, cancellation = payload(1), payload(2, purpose=Purpose.CANCELLATION)
    found = receipt(95, of=effect)
    subject = entry(effect, cancellation)

    assert decide(subject, sighting(receipts=found, nonces_used=5), POLICY).step == Settle(found[effect.hash])
    assert settling_events(subject, found[effect.hash]) == (Event.MINE, Event.CONFIRM)


def test_a_used_nonce_without_a_receipt_is_traced() -> None:
    """Never a new nonce, and never a new signature, on a suspicion."""
    assert decide(entry(payload()), sighting(nonces_used=5, known=False), POLICY) == Plan(step=Trace())


def test_a_nonce_that_cannot_be_traced_for_an_hour_is_alarmed() -> None:
    """No endpoint keeps that much state, or nothing becomes final: somebody must look."""
    old = payload(signed_at=NOW - timedelta(hours=1))

    assert decide(entry(old), sighting(nonces_used=5), POLICY) == Plan(step=Trace(), alarm="nonce_untraced")


def test_a_lost_receipt_reopens_the_entry() -> None:
    """Mined before, in no block now: a reorganisation; the bytes are sent again."""
    reopened = decide(entry(payload(), state=State.MINED), sighting(known=False), POLICY)

    assert reopened == Plan(step=Send(), events=(Event.REORGANISE,))


def stuck(**changes: Any) -> SignedPayload:
    return payload(accepted_at=NOW - timedelta(seconds=30), **changes)


def test_a_stuck_transaction_is_replaced_by_a_raised_one() -> None:
    """16 gwei · 1.125 = 18 is less than the going 22; the tip goes from 2 to 2.25."""
    plan = decide(entry(stuck()), sighting(), POLICY)

    assert plan == Plan(step=Sign(Purpose.EFFECT, Fees(max_fee_wei=22 * GWEI, tip_wei=2_250_000_000)))


def test_a_transaction_accepted_less_than_thirty_seconds_ago_is_not_stuck() -> None:
    """One second too early."""
    young = payload(accepted_at=NOW - timedelta(seconds=29))

    assert decide(entry(young), sighting(), POLICY).step == Wait()


def test_a_transaction_behind_another_is_not_stuck() -> None:
    """Its predecessor is missing, not its fee."""
    assert decide(entry(stuck()), sighting(nonces_used=3), POLICY).step == Wait()


def test_a_refusal_as_underpriced_is_outbid_at_once() -> None:
    """The node said it; waiting would not help."""
    refused = payload(accepted_at=None, refusal=Refusal.UNDERPRICED)
    step = decide(entry(refused), sighting(known=False), POLICY).step

    assert isinstance(step, Sign)
    assert step.fees.tip_wei == 2_250_000_000


def test_the_cap_alarms_and_the_bytes_stay_out() -> None:
    """90 · 1.125 is above 100: no signature that would be refused, but a person, and further sending."""
    dear = stuck(fees=Fees(max_fee_wei=90 * GWEI, tip_wei=2 * GWEI))

    assert decide(entry(dear), sighting(), POLICY) == Plan(step=Wait(), alarm="fee_cap")
    assert decide(entry(dear), sighting(known=False), POLICY) == Plan(step=Send(), alarm="fee_cap")


def test_an_effect_past_its_time_is_cancelled_at_a_raised_fee() -> None:
    """It may still be mined; the cancellation competes for the same nonce."""
    late = entry(payload(), valid_until=NOW)
    step = decide(late, sighting(), POLICY).step

    assert step == Sign(Purpose.CANCELLATION, Fees(max_fee_wei=22 * GWEI, tip_wei=2_250_000_000))


def test_a_cancellation_is_not_cancelled() -> None:
    """It is only ever raised."""
    late = entry(payload(1), payload(2, purpose=Purpose.CANCELLATION), valid_until=NOW)

    assert decide(late, sighting(), POLICY) == Plan(step=Wait())


def test_a_stuck_cancellation_stays_a_cancellation() -> None:
    """Raising it must not bring the effect back."""
    late = entry(payload(1), stuck(ordinal=2, purpose=Purpose.CANCELLATION), valid_until=NOW)
    step = decide(late, sighting(), POLICY).step

    assert isinstance(step, Sign)
    assert step.purpose == Purpose.CANCELLATION


def test_an_effect_that_a_node_took_is_not_cancelled_on_anothers_word() -> None:
    """One node accepted it and is away; the other, which calls it unacceptable, may be the one that is wrong."""
    plan = decide(entry(payload(refusal=Refusal.UNACCEPTABLE)), sighting(known=False), POLICY)

    assert (plan.step, plan.alarm) == (Send(), "unacceptable")


def test_an_effect_that_no_node_takes_is_cancelled() -> None:
    """Its nonce has to be used all the same, and a person told."""
    plan = decide(entry(payload(accepted_at=None, refusal=Refusal.UNACCEPTABLE)), sighting(known=False), POLICY)

    assert isinstance(plan.step, Sign)
    assert (plan.step.purpose, plan.alarm) == (Purpose.CANCELLATION, "unacceptable")


@pytest.mark.parametrize("refusal", [Refusal.UNFUNDED, Refusal.UNKNOWN])
def test_a_refusal_that_needs_a_person_alarms_and_is_tried_again(refusal: Refusal) -> None:
    """The same bytes: raising the fee of an empty account would be absurd."""
    refused = payload(accepted_at=None, refusal=refusal, signed_at=NOW - timedelta(hours=1))

    assert decide(entry(refused), sighting(known=False), POLICY) == Plan(step=Send(), alarm=str(refusal))


@pytest.mark.parametrize("refusal", [Refusal.NONCE_AHEAD, Refusal.BUSY, Refusal.NONCE_USED])
def test_a_refusal_that_passes_is_tried_again_in_silence(refusal: Refusal) -> None:
    """The predecessor arrives, the pool empties."""
    refused = payload(accepted_at=None, refusal=refusal)

    assert decide(entry(refused), sighting(known=False), POLICY) == Plan(step=Send())


def test_a_gap_below_the_entry_is_alarmed() -> None:
    """The chain waits for a nonce that nobody is going to use."""
    plan = decide(entry(payload()), sighting(nonces_used=2, gap=True, fillable=True), POLICY)

    assert (plan.alarm, plan.fill) == ("nonce_gap", None)


def test_a_cancellation_is_a_transfer_of_nothing_from_the_signer_to_itself() -> None:
    """The same nonce, the least gas, and no part of the effect."""
    subject = entry(to="0x" + "11" * 20)
    effect, nothing = subject.unsigned(Purpose.EFFECT, FRESH), subject.unsigned(Purpose.CANCELLATION, FRESH)

    assert (effect.to, effect.value_wei, effect.data, effect.gas_limit) == (subject.to, 7, b"\x01", 50_000)
    assert (nothing.to, nothing.value_wei, nothing.data, nothing.gas_limit) == (SIGNER, 0, b"", 21_000)
    assert (effect.nonce, effect.chain_id) == (nothing.nonce, nothing.chain_id) == (4, 14)


@pytest.mark.parametrize(("age_s", "pause"), [(0, 1.0), (4, 1.0), (40, 10.0), (1_000, 60.0)])
def test_the_pause_is_a_quarter_of_the_age_within_bounds(age_s: int, pause: float) -> None:
    """From poll_s = 1 to poll_max_s = 60."""
    assert pause_s(entry(payload(signed_at=NOW - timedelta(seconds=age_s))), NOW, POLICY) == pause


@pytest.mark.parametrize("wrong", [{"confirmations": 0}, {"poll_s": 0.0}, {"poll_s": 90.0}])
def test_an_absurd_policy_is_refused(wrong: dict[str, Any]) -> None:
    """At the start, not at the first entry."""
    with pytest.raises(ValueError, match=r"confirmation|does not hold"):
        OutboxPolicy(fees=POLICY.fees, **wrong)


def said(refusal: Refusal | None = None, *, accepted: bool = False) -> Delivery:
    return Delivery(endpoint="one", accepted=accepted, refusal=refusal, words=str(refusal))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([said(accepted=True), said(Refusal.UNACCEPTABLE)], (True, None)),
        ([said(Refusal.UNACCEPTABLE), said(Refusal.BUSY)], (False, Refusal.BUSY)),
        ([said(Refusal.UNACCEPTABLE), said(None)], (False, Refusal.UNACCEPTABLE)),
        ([said(Refusal.UNKNOWN), said(Refusal.NONCE_USED)], (False, Refusal.NONCE_USED)),
        ([said(Refusal.UNFUNDED), said(Refusal.UNDERPRICED)], (False, Refusal.UNDERPRICED)),
        ([said(None), said(None)], (False, None)),
        ([], (False, None)),
    ],
)
def test_endpoints_that_disagree(answers: list[Delivery], expected: tuple[bool, Refusal | None]) -> None:
    """One acceptance is enough; only unanimity makes a payload unacceptable; silence is no refusal."""
    heard = verdict(answers)

    assert (heard.accepted, heard.refusal) == expected


@given(
    age_s=st.integers(min_value=0, max_value=10_000),
    used=st.integers(min_value=0, max_value=9),
    known=st.booleans(),
    refusal=st.one_of(st.none(), st.sampled_from(list(Refusal))),
    purpose=st.sampled_from(list(Purpose)),
    state=st.sampled_from([State.SIGNED, State.BROADCAST, State.MINED]),
    mined_in=st.one_of(st.none(), st.integers(min_value=80, max_value=100)),
    expires_s=st.one_of(st.none(), st.integers(min_value=-100, max_value=100)),
)
def test_every_plan_is_legal_and_never_signs_over_a_used_nonce(
    age_s: int,
    used: int,
    known: bool,
    refusal: Refusal | None,
    purpose: Purpose,
    state: State,
    mined_in: int | None,
    expires_s: int | None,
) -> None:
    """Whatever the chain says: the events fit the table, and a nonce that is used or mined is not signed again."""
    then = NOW - timedelta(seconds=age_s)
    pay = payload(purpose=purpose, refusal=refusal, accepted_at=None if refusal else then, signed_at=then)
    subject = entry(pay, state=state, valid_until=None if expires_s is None else NOW + timedelta(seconds=expires_s))
    receipts = {} if mined_in is None else receipt(mined_in, of=pay)
    plan = decide(subject, sighting(nonces_used=used, known=known, receipts=receipts), POLICY)
    signed = (Event.SIGN,) if isinstance(plan.step, Sign) else ()

    after(state, *plan.events, *signed)
    if used > subject.nonce or receipts:
        assert not isinstance(plan.step, Sign | Send)
    if purpose == Purpose.CANCELLATION and isinstance(plan.step, Sign):
        assert plan.step.purpose == Purpose.CANCELLATION
