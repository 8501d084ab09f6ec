"""Entries that somebody outside signs: asked once, waited for without an attempt, stored as what was really signed."""

from datetime import timedelta

import pytest

from kernel.evm.fees import Fees
from kernel.evm.transactions import SignedTransaction, UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.keys.external import ExternalSigner, payloads_of
from kernel.keys.requests import SignatureRequests
from kernel.outbox.evm import EvmOutbox, Purpose, State
from kernel.outbox.evm.outbox import SignedSomethingElse
from kernel.tasks import Retry
from tests.chain.outbox.desk import Desk

pytestmark = pytest.mark.chain


def requests_of(desk: Desk) -> SignatureRequests:
    return SignatureRequests(desk.postgres, desk.clock)


def outbox_of(desk: Desk) -> EvmOutbox:
    return desk.outbox(signer=ExternalSigner(requests_of(desk), desk.signer.address))


def sign_what_is_asked(desk: Desk) -> UnsignedTransaction:
    """The operator reads the one open request and signs it."""
    [request] = requests_of(desk).waiting()
    payload = UnsignedTransaction.from_bytes(request.payload)
    signature = desk.signer.sign_digest(payload.digest()).to_bytes().hex()
    requests_of(desk).sign(request.id, signature, payloads_of, actor="ada")
    return payload


def raise_base_fee(desk: Desk) -> None:
    desk.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(5 * 10**9))
    desk.node.mine()


def test_an_operators_signature_is_waited_for_and_then_sent(desk: Desk) -> None:
    """However long it takes, no attempt is spent; the fees that were signed are those that are stored."""
    desk.record("pay-1")
    outbox = outbox_of(desk)
    outcomes = [desk.step("pay-1", outbox) for _ in range(5)]
    payload = sign_what_is_asked(desk)
    raise_base_fee(desk)  # what would be offered now is something else
    desk.step("pay-1", outbox)

    assert {type(outcome) for outcome in outcomes} == {Retry}
    assert desk.tasks.about("pay-1")[0].attempt == 0
    [stored] = desk.entry("pay-1").payloads
    assert (stored.fees, stored.purpose) == (payload.fees, Purpose.EFFECT)
    assert desk.settle("pay-1").state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_an_entry_is_watched_while_a_dearer_signature_is_awaited(desk: Desk) -> None:
    """The first bytes are stuck and the raise is not signed yet: a block takes the first ones, and that is the end."""
    desk.hold_blocks()
    desk.record("pay-1")
    outbox = outbox_of(desk)
    desk.step("pay-1", outbox)
    sign_what_is_asked(desk)
    desk.step("pay-1", outbox)
    desk.clock.advance(40)
    outcome = desk.step("pay-1", outbox)

    assert isinstance(outcome, Retry)
    assert outcome.reason == "awaiting a signature"
    desk.node.mine()
    desk.step("pay-1", outbox)
    entry = desk.entry("pay-1")
    assert (entry.state, len(entry.payloads)) == (State.CONFIRMED, 1)


def test_bytes_that_were_dropped_while_a_signature_is_awaited_are_sent_again(desk: Desk) -> None:
    """What is signed stays out."""
    desk.hold_blocks()
    desk.record("pay-1")
    outbox = outbox_of(desk)
    desk.step("pay-1", outbox)
    sign_what_is_asked(desk)
    desk.step("pay-1", outbox)
    desk.node.rpc("anvil_dropAllTransactions")
    desk.clock.advance(40)
    desk.step("pay-1", outbox)
    desk.node.mine()
    desk.step("pay-1", outbox)

    assert desk.entry("pay-1").state == State.CONFIRMED


def test_an_effect_that_was_signed_too_late_is_stored_as_the_effect_it_is(desk: Desk) -> None:
    """Asked to cancel, the signer gives out what was signed before: both compete for the nonce, each under its name."""
    desk.hold_blocks()
    desk.record("late", valid_until=desk.clock.now() + timedelta(seconds=10))
    outbox = outbox_of(desk)
    desk.step("late", outbox)
    sign_what_is_asked(desk)
    desk.clock.advance(11)
    desk.step("late", outbox)
    [stored] = desk.entry("late").payloads

    assert stored.purpose == Purpose.EFFECT
    desk.step("late", outbox)
    sign_what_is_asked(desk)
    desk.step("late", outbox)
    assert [payload.purpose for payload in desk.entry("late").payloads] == [Purpose.EFFECT, Purpose.CANCELLATION]
    desk.node.mine()
    desk.step("late", outbox)
    assert (desk.entry("late").state, desk.received("late"), desk.nonce()) == (State.CANCELLED, 0, 1)


class Swindler(LocalSigner):
    """Signs a payment to somebody else."""

    __slots__ = ()

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        fees = Fees(max_fee_wei=payload.fees.max_fee_wei, tip_wei=payload.fees.tip_wei)
        theft = UnsignedTransaction(
            chain_id=payload.chain_id,
            nonce=payload.nonce,
            to=payload.to,
            value_wei=payload.value_wei + 1,
            data=payload.data,
            gas_limit=payload.gas_limit,
            fees=fees,
        )
        return super().sign_transaction(theft)


def test_a_signer_that_signs_something_else_is_not_sent(desk: Desk) -> None:
    """One wei more than is owed: nothing of it is stored, so nothing of it leaves."""
    desk.record("pay-1")

    with pytest.raises(SignedSomethingElse):
        desk.step("pay-1", desk.outbox(signer=Swindler(desk.private_key)))
    assert (desk.entry("pay-1").payloads, desk.nonce()) == ((), 0)


class Repeating(LocalSigner):
    """Gives the signature that it gave first, whatever it is asked."""

    __slots__ = ("first",)
    first: SignedTransaction

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        if not hasattr(self, "first"):
            self.first = super().sign_transaction(payload)
        return self.first


def test_the_same_signature_again_is_no_new_payload(desk: Desk) -> None:
    """A wallet that keeps returning its first answer: it is sent once more, and watched."""
    desk.hold_blocks()
    desk.record("pay-1")
    outbox = desk.outbox(signer=Repeating(desk.private_key))
    desk.step("pay-1", outbox)
    desk.clock.advance(40)
    desk.step("pay-1", outbox)

    assert len(desk.entry("pay-1").payloads) == 1
    desk.node.mine()
    desk.step("pay-1", outbox)
    assert desk.entry("pay-1").state == State.CONFIRMED
