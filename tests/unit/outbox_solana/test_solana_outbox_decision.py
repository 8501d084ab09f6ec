"""The next step of a Solana entry, fact by fact."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.jsonrpc.pool import Delivery
from kernel.outbox.solana.decision import (
    TELLING,
    Abandon,
    Plan,
    Prove,
    Send,
    Settle,
    Sign,
    SolanaPolicy,
    Wait,
    decide,
    end_of,
    pause_s,
)
from kernel.outbox.solana.entries import Purpose
from kernel.outbox.solana.lifecycle import Event, State, after
from kernel.outbox.verdict import verdict_of
from kernel.solana.refusals import Refusal
from tests.unit.outbox_solana.facts import (
    LAST_VALID,
    NOW,
    POLICY,
    PRICE_CAP,
    durable,
    entry,
    payload,
    sighting,
    status,
)

pytestmark = pytest.mark.unit

PAST = sighting(finalized_height=LAST_VALID + 1)


def test_an_unsigned_entry_is_signed() -> None:
    """The effect."""
    assert Plan(step=Sign(Purpose.EFFECT)) == decide(entry(), sighting(), POLICY)


@pytest.mark.parametrize(("left_s", "step"), [(1, Sign(Purpose.EFFECT)), (0, Abandon()), (-1, Abandon())])
def test_an_unsigned_entry_past_its_time_ends(left_s: int, step: object) -> None:
    """The window is half-open; without bytes there is nothing to wait for."""
    late = entry(valid_until=NOW + timedelta(seconds=left_s))

    assert step == decide(late, sighting(), POLICY).step


def test_living_bytes_are_sent_again() -> None:
    """Leaders forget; there is no pool to look into."""
    assert Plan(step=Send()) == decide(entry(payload()), sighting(), POLICY)


def test_bytes_that_were_never_sent_are_sent() -> None:
    """Committed by a process that died before it could send them."""
    orphan = payload(sent_at=None, accepted_at=None, signed_at=NOW - timedelta(seconds=50))

    assert Plan(step=Send()) == decide(entry(orphan, state=State.SIGNED), sighting(), POLICY)


@pytest.mark.parametrize("confirmation", ["processed", "confirmed"])
def test_a_block_that_is_not_final_is_waited_for(confirmation: str) -> None:
    """Its fork may be dropped; told once."""
    young = sighting(known={"signature-1": status(confirmation)})

    assert Plan(step=Wait(), events=(Event.LAND,)) == decide(entry(payload()), young, POLICY)
    assert Plan(step=Wait()) == decide(entry(payload(), state=State.LANDED), young, POLICY)


def test_a_known_signature_stops_everything_also_when_its_blockhash_is_past() -> None:
    """Landed on a fork, and old: neither signed anew nor proven dead; it is asked for again."""
    young = sighting(finalized_height=LAST_VALID + 99, known={"signature-1": status("processed")}, dead=True)

    assert Wait() == decide(entry(payload()), young, POLICY).step


def test_a_final_block_settles() -> None:
    """Success or failure is read from two RPCs afterwards."""
    final = sighting(known={"signature-1": status("finalized")})
    pay = payload()

    assert Plan(step=Settle(pay), events=(Event.LAND,)) == decide(entry(pay), final, POLICY)


def test_a_failed_transaction_is_waited_for_like_any_other() -> None:
    """An error in a block that is not final may be gone with the fork."""
    error = {"InstructionError": [0, {"Custom": 1}]}
    young = sighting(known={"signature-1": status("confirmed", error)})

    assert Wait() == decide(entry(payload()), young, POLICY).step


@pytest.mark.parametrize(("error", "event"), [(None, Event.CONFIRM), ("AccountInUse", Event.FAIL), ({}, Event.FAIL)])
def test_an_error_in_the_final_block_is_a_failure(error: Any, event: Event) -> None:
    """The fee is paid, and nothing happened."""
    assert event == end_of(error)


def test_an_older_payload_may_be_the_one_that_landed() -> None:
    """It reached a final block late; the newer one is in none."""
    first, second = payload(1), payload(2, last_valid_block_height=LAST_VALID + 150)
    known = sighting(known={"signature-1": status("finalized")})

    assert Settle(first) == decide(entry(first, second), known, POLICY).step


def test_the_final_one_of_two_counts() -> None:
    """One node shows a second payload on its fork; the one in the final block decides."""
    first, second = payload(1), payload(2)
    known = {"signature-1": status("processed"), "signature-2": status("finalized")}

    assert Settle(second) == decide(entry(first, second), sighting(known=known), POLICY).step


@pytest.mark.parametrize(("height", "step"), [(LAST_VALID, Send()), (LAST_VALID + 1, Prove())])
def test_death_is_asked_for_past_the_last_valid_height(height: int, step: object) -> None:
    """At that height a block may still hold the bytes."""
    assert step == decide(entry(payload()), sighting(finalized_height=height), POLICY).step


def test_the_youngest_blockhash_decides_about_death() -> None:
    """While one of them lives, none is replaced."""
    two = entry(payload(1), payload(2, last_valid_block_height=LAST_VALID + 150))

    assert Send() == decide(two, PAST, POLICY).step


def test_what_is_not_proven_dead_is_waited_for() -> None:
    """The two RPCs disagree, or one knows the signature: no second effect on a suspicion."""
    assert Plan(step=Wait()) == decide(entry(payload()), sighting(finalized_height=2_000, dead=False), POLICY)


def test_what_cannot_be_proven_for_an_hour_is_alarmed() -> None:
    """Somebody must look at the RPCs."""
    old = payload(signed_at=NOW - timedelta(hours=1))

    assert "unproven" == decide(entry(old), sighting(finalized_height=2_000, dead=False), POLICY).alarm


DEAD = sighting(finalized_height=2_000, dead=True)


def test_dead_bytes_are_replaced_by_the_effect_anew() -> None:
    """Proven by two RPCs: a second signature cannot be a second effect."""
    assert Plan(step=Sign(Purpose.EFFECT)) == decide(entry(payload()), DEAD, POLICY)


def test_dead_bytes_at_the_price_cap_are_replaced_with_an_alarm() -> None:
    """Without a signature nothing could ever land, so a person is called and the cap is offered once more."""
    capped = decide(entry(payload(unit_price=PRICE_CAP)), DEAD, POLICY)

    assert Plan(step=Sign(Purpose.EFFECT), alarm="fee_cap") == capped


def test_dead_bytes_past_their_time_end_the_entry() -> None:
    """No longer wanted, and proven not to have happened."""
    late = entry(payload(), valid_until=NOW)

    assert Plan(step=Abandon(), events=(Event.CANCEL,)) == decide(late, DEAD, POLICY)


def test_an_unwanted_effect_that_lives_is_waited_out_and_not_sent() -> None:
    """It may still land, and then it counts."""
    late = entry(payload(), valid_until=NOW)

    assert Plan(step=Wait()) == decide(late, sighting(), POLICY)


@pytest.mark.parametrize(
    ("seen", "step", "after_drop"),
    [
        (sighting(), Send(), ()),
        (DEAD, Sign(Purpose.EFFECT), ()),
        (sighting(finalized_height=2_000, dead=False), Wait(), ()),
    ],
)
def test_a_dropped_fork_reopens_the_entry(seen: Any, step: object, after_drop: tuple[Event, ...]) -> None:
    """It was in a block, and no node knows it now."""
    reopened = decide(entry(payload(), state=State.LANDED), seen, POLICY)

    assert Plan(step=step, events=(Event.DROP, *after_drop)) == reopened  # type: ignore[arg-type]  # events by case


def test_a_refusal_that_needs_a_person_alarms_and_is_tried_again() -> None:
    """The same bytes."""
    refused = payload(accepted_at=None, refusal=Refusal.UNFUNDED)

    assert Plan(step=Send(), alarm="unfunded") == decide(entry(refused), sighting(), POLICY)


@pytest.mark.parametrize(("age_s", "pause"), [(0, 1.0), (8, 2.0), (1_000, 4.0)])
def test_living_bytes_are_sent_often(age_s: int, pause: float) -> None:
    """A blockhash lives for a minute: the pause stays under resend_s."""
    assert pause == pause_s(entry(payload(signed_at=NOW - timedelta(seconds=age_s))), NOW, POLICY)


@pytest.mark.parametrize("of", [entry(), entry(durable()), entry(payload(), state=State.LANDED)])
def test_what_waits_for_something_else_is_looked_at_ever_more_rarely(of: Any) -> None:
    """A person, a nonce, finality: a quarter of the age, up to a minute."""
    assert (20.0, 60.0) == (
        pause_s(of, NOW + timedelta(seconds=80), POLICY),
        pause_s(of, NOW + timedelta(days=1), POLICY),
    )


@pytest.mark.parametrize("wrong", [{"poll_s": 0.0}, {"poll_s": 90.0}, {"resend_s": 0.5}])
def test_an_absurd_policy_is_refused(wrong: dict[str, Any]) -> None:
    """At the start, not at the first entry."""
    with pytest.raises(ValueError, match="does not hold"):
        SolanaPolicy(fees=POLICY.fees, **wrong)


def said(refusal: Refusal | None = None, *, accepted: bool = False) -> Delivery[Refusal]:
    return Delivery(endpoint="one", accepted=accepted, refusal=refusal, words=str(refusal))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([said(Refusal.UNFUNDED), said(accepted=True)], (True, None)),
        ([said(Refusal.EXPIRED), said(Refusal.UNFUNDED)], (False, Refusal.UNFUNDED)),
        ([said(None), said(Refusal.EXPIRED)], (False, Refusal.EXPIRED)),
        ([said(None), said(None)], (False, None)),
        ([], (False, None)),
    ],
)
def test_endpoints_that_disagree(answers: list[Delivery[Refusal]], expected: tuple[bool, Refusal | None]) -> None:
    """One acceptance is enough; what calls a person is heard first; silence is no refusal."""
    heard = verdict_of(answers, TELLING)

    assert expected == (heard.accepted, heard.refusal)


CONFIRMATIONS = st.one_of(st.none(), st.sampled_from(["processed", "confirmed", "finalized"]))


@given(
    height=st.integers(min_value=LAST_VALID - 2, max_value=LAST_VALID + 200),
    dead=st.sampled_from([None, True, False]),
    first=CONFIRMATIONS,
    second=CONFIRMATIONS,
    state=st.sampled_from([State.SIGNED, State.BROADCAST, State.LANDED]),
    expires_s=st.one_of(st.none(), st.integers(min_value=-100, max_value=100)),
    price=st.sampled_from([200, PRICE_CAP]),
)
def test_every_plan_is_legal_and_never_signs_over_what_may_live(
    height: int,
    dead: bool | None,
    first: str | None,
    second: str | None,
    state: State,
    expires_s: int | None,
    price: int,
) -> None:
    """A signature follows only where both are past, proven dead and unknown, and only while the effect is wanted."""
    two = (payload(1), payload(2, last_valid_block_height=LAST_VALID + 100, unit_price=price))
    known = {f"signature-{i}": status(one) for i, one in ((1, first), (2, second)) if one}
    valid_until = None if expires_s is None else NOW + timedelta(seconds=expires_s)
    subject = entry(*two, state=state, valid_until=valid_until)
    plan = decide(subject, sighting(finalized_height=height, dead=dead, known=known), POLICY)
    signs = isinstance(plan.step, Sign)

    after(state, *plan.events, *((Event.SIGN,) if signs else ()))
    assert signs <= (dead is True and height > LAST_VALID + 100 and not known and not subject.expired(NOW))
    assert isinstance(plan.step, Abandon) <= (dead is True and not known and subject.expired(NOW))
    assert isinstance(plan.step, Settle) == ("finalized" in {first, second})
    assert not (isinstance(plan.step, Send) and known)
