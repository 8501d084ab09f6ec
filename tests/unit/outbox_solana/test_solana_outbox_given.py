"""Messages from elsewhere: what may be passed on, and the next step of one, fact by fact."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.keys.solana import LocalSolanaSigner, SolanaSignatureMismatch
from kernel.outbox.solana.decision import Abandon, Plan, Prove, Send, Sign, Wait, decide
from kernel.outbox.solana.entries import Purpose, SolanaEntry, SolanaIntent, SolanaIntentInvalid, same_effect
from kernel.outbox.solana.given import GivenMessage
from kernel.outbox.solana.lifecycle import Event, State
from kernel.solana.addresses import SYSTEM_PROGRAM
from kernel.solana.refusals import Refusal
from kernel.solana.transactions import AccountUse, DurableNonce, Instruction, compile_message, system_transfer
from tests.unit.outbox_solana.facts import LAST_VALID, NONCE, NOW, POLICY, RECEIVER, entry, payload, sighting, status

pytestmark = pytest.mark.unit

WALLET, OURS = LocalSolanaSigner(b"\1" * 32), LocalSolanaSigner(b"\2" * 32)
BLOCKHASH = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
TRANSFER = system_transfer(WALLET.address, RECEIVER, 7)
BOTH_SIGN = Instruction(
    SYSTEM_PROGRAM,
    (AccountUse(WALLET.address, signer=True, writable=True), AccountUse(OURS.address, signer=True)),
    b"\2",
)
PAST = sighting(finalized_height=LAST_VALID + 1)


def message(*instructions: Instruction) -> bytes:
    return compile_message(
        WALLET.address, instructions, blockhash=BLOCKHASH, compute_unit_limit=900, compute_unit_price=3
    )


def signed_by_wallet(content: bytes) -> GivenMessage:
    return GivenMessage(content, {WALLET.address: WALLET.sign_message(content)}, LAST_VALID, 860)


WHOLE, CO_SIGNED = signed_by_wallet(message(TRANSFER)), signed_by_wallet(message(BOTH_SIGN))


def intent(passed_on: GivenMessage) -> SolanaIntent:
    return SolanaIntent.passing_on(passed_on, business_key="pass-1", service="netting", cluster="localnet")


def recorded(passed_on: GivenMessage, **changes: object) -> SolanaEntry:
    return replace(entry(), given=passed_on, **changes)  # type: ignore[arg-type]  # fields by name


def test_an_intent_says_what_the_message_says() -> None:
    """Who pays, who signs, what is called; the wallet's compute budget is no call."""
    passed_on = intent(CO_SIGNED)

    assert (WALLET.address, (OURS.address,), (BOTH_SIGN,)) == (
        passed_on.payer,
        passed_on.signers,
        passed_on.instructions,
    )
    assert (OURS.address,) == CO_SIGNED.missing
    assert () == WHOLE.missing


def test_a_message_keeps_its_bytes_in_a_row() -> None:
    """What was recorded is what comes back."""
    columns = CO_SIGNED.columns()
    row = {**columns, "given_message": base64.b64decode(columns["given_message"])}

    assert CO_SIGNED == GivenMessage.from_row(row)
    assert None is GivenMessage.from_row({"given_message": None})


def test_a_message_with_a_signature_of_another_is_not_passed_on() -> None:
    """Another key, another message, a stranger beside the signers."""
    stranger = LocalSolanaSigner(b"\3" * 32)

    for wrong in (stranger.sign_message(WHOLE.message), WALLET.sign_message(CO_SIGNED.message)):
        with pytest.raises(SolanaSignatureMismatch):
            intent(replace(WHOLE, signatures={WALLET.address: wrong}))
    with pytest.raises(SolanaIntentInvalid):
        both = {**WHOLE.signatures, stranger.address: stranger.sign_message(WHOLE.message)}
        intent(replace(WHOLE, signatures=both))


def test_a_message_over_a_durable_nonce_is_not_passed_on() -> None:
    """It would live for ever: no height says when it is dead."""
    nonce = DurableNonce(NONCE, WALLET.address, BLOCKHASH)

    with pytest.raises(SolanaIntentInvalid):
        intent(signed_by_wallet(compile_message(WALLET.address, [TRANSFER], durable_nonce=nonce)))


def test_the_same_message_signed_in_another_way_is_the_same_effect() -> None:
    """A cluster takes a message once; another message under the key is another effect."""
    columns = {**intent(WHOLE).columns(), "given_message": WHOLE.message}
    again = replace(WHOLE, signatures={})
    other = signed_by_wallet(message(system_transfer(WALLET.address, RECEIVER, 8)))

    assert same_effect(columns, intent(again))
    assert not same_effect(columns, intent(other))
    assert not same_effect(columns, replace(intent(WHOLE), given=None))


@pytest.mark.parametrize("height", [900, LAST_VALID])
def test_a_message_that_can_land_is_signed(height: int) -> None:
    """By ours, or stored as it is; its last height counts as living."""
    for passed_on in (WHOLE, CO_SIGNED):
        step = decide(recorded(passed_on), sighting(finalized_height=height), POLICY)
        assert Plan(step=Sign(Purpose.EFFECT)) == step


def test_a_message_that_ours_have_not_signed_in_time_ends() -> None:
    """Nothing of it can have landed: no proof is needed."""
    assert Plan(step=Abandon(), events=(Event.CANCEL,)) == decide(recorded(CO_SIGNED), PAST, POLICY)


def test_a_message_that_others_have_signed_is_never_given_up_unseen() -> None:
    """It may have landed by others' hands: it is stored, and its death is proven like any other's."""
    late = recorded(WHOLE, valid_until=NOW - timedelta(hours=1))

    assert Plan(step=Sign(Purpose.EFFECT)) == decide(recorded(WHOLE), PAST, POLICY)
    assert Plan(step=Sign(Purpose.EFFECT)) == decide(late, sighting(), POLICY)


def test_a_message_that_is_no_longer_wanted_is_not_signed_by_ours() -> None:
    """A person has withdrawn it."""
    assert Abandon() == decide(recorded(CO_SIGNED, valid_until=NOW), sighting(), POLICY).step


@pytest.mark.parametrize("passed_on", [WHOLE, CO_SIGNED])
def test_a_dead_message_is_never_signed_anew(passed_on: GivenMessage) -> None:
    """Sent while it lives, proven dead by two, and then over."""
    out = replace(entry(payload()), given=passed_on)

    assert [Send(), Prove(), Wait(), Abandon()] == [
        decide(out, seen, POLICY).step
        for seen in (sighting(), PAST, replace(PAST, dead=False), replace(PAST, dead=True))
    ]


def test_a_wallet_that_cannot_pay_calls_nobody() -> None:
    """It is the wallet's affair, and over soon."""
    refused = replace(entry(payload(accepted_at=None, refusal=Refusal.UNFUNDED)), given=WHOLE)

    assert Plan(step=Send()) == decide(refused, sighting(), POLICY)


@given(
    height=st.integers(min_value=LAST_VALID - 2, max_value=LAST_VALID + 200),
    dead=st.sampled_from([None, True, False]),
    seen=st.one_of(st.none(), st.sampled_from(["processed", "confirmed", "finalized"])),
    state=st.sampled_from([State.SIGNED, State.BROADCAST, State.LANDED]),
    expires_s=st.one_of(st.none(), st.integers(min_value=-100, max_value=100)),
    passed_on=st.sampled_from([WHOLE, CO_SIGNED]),
)
def test_no_fact_brings_a_second_signature(
    height: int, dead: bool | None, seen: str | None, state: State, expires_s: int | None, passed_on: GivenMessage
) -> None:
    """And none ends it while a node knows it, or two have not proven it dead."""
    valid_until = None if expires_s is None else NOW + timedelta(seconds=expires_s)
    subject = replace(entry(payload(), state=state, valid_until=valid_until), given=passed_on)
    known = {"signature-1": status(seen)} if seen else {}
    plan = decide(subject, sighting(finalized_height=height, dead=dead, known=known), POLICY)

    assert not isinstance(plan.step, Sign)
    assert isinstance(plan.step, Abandon) == (dead is True and height > LAST_VALID and not known)
