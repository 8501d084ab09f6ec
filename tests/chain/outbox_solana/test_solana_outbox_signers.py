"""Signers who are late, people who sign by hand, and people who halt a service: an effect waits, and happens once."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kernel import base58
from kernel.errors import Transient
from kernel.keys.external import ExternalSolanaSigner, payloads_of
from kernel.keys.requests import SignatureRequest, SignatureRequests
from kernel.keys.solana import LocalSolanaSigner, SignedMessage
from kernel.outbox.solana import DurableNonceMissing, Purpose, State
from kernel.postgres import Postgres
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import SolanaPool
from kernel.tasks import Retry
from kernel.treasury.switch import KillSwitch, ServiceHalted
from tests.chain.outbox_solana.desk import Desk, MutePool, SwallowingPool
from tests.chain.outbox_solana.nonces import advance_elsewhere, nonce_account

pytestmark = pytest.mark.chain


class SigningTimedOut(Transient):
    """The signing service did not answer in time."""


class LateSigner(LocalSolanaSigner):
    """A signing service that signs, and whose answer comes after the time-out, the first `late` times."""

    __slots__ = ("late", "signed")
    late: int
    signed: list[SignedMessage]

    def sign(self, message: bytes) -> SignedMessage:
        self.signed.append(super().sign(message))
        if len(self.signed) <= self.late:
            raise SigningTimedOut
        return self.signed[-1]


def test_a_signer_times_out_after_having_signed(desk: Desk) -> None:
    """Three signatures over three blockhashes exist somewhere, stored by nobody: none lands, and one effect comes."""
    signer = LateSigner(desk.seed)
    signer.late, signer.signed = 3, []
    desk.record("pay-1")
    outbox = desk.outbox(signer=signer)
    for _ in range(3):
        desk.wait_until_due("pay-1")
        task = desk.claim("pay-1")
        with pytest.raises(SigningTimedOut) as timed_out:
            outbox.advance(desk.entry("pay-1").id, task.fence)
        desk.tasks.finish(task.fence, timed_out.value)
        desk.node.mine(3)
    unsent = desk.entry("pay-1")
    desk.step("pay-1", outbox)
    entry = desk.settle("pay-1")

    *lost, kept = [base58.encode(one.signature) for one in signer.signed]
    assert (State.RECORDED, ()) == (unsent.state, unsent.payloads)
    assert len({kept, *lost}) == 4
    assert ([kept], kept) == ([payload.signature for payload in entry.payloads], entry.signature)
    assert [None] * 3 == desk.pool().statuses(lost)
    assert (State.CONFIRMED, 1) == (entry.state, desk.effects("pay-1"))


class Person:
    """Holds the payer's key outside, and signs what the console shows."""

    def __init__(self, desk: Desk) -> None:
        self._key, self._requests = desk.signer, SignatureRequests(desk.postgres, desk.clock)
        desk.signer = ExternalSolanaSigner(self._requests, desk.payer, cluster="localnet")  # type: ignore[assignment]  # instead of its own key

    def open(self) -> list[SignatureRequest]:
        return self._requests.waiting()

    def sign(self) -> None:
        (request,) = self.open()
        signature = base58.encode(self._key.sign_message(request.payload))
        self._requests.sign(request.id, signature, payloads_of, actor="a person")


def test_an_effect_waits_for_a_persons_signature(desk: Desk) -> None:
    """Hours and many looks later the first message asked for is signed, and that one lands."""
    account = nonce_account(desk)
    person = Person(desk)
    desk.record("pay-1", durable_nonce=account)
    for _ in range(3):
        outcome = desk.step("pay-1")
        desk.node.expire()
        desk.clock.advance(3_600)

    assert isinstance(outcome, Retry)
    assert (State.RECORDED, (), 1) == (desk.entry("pay-1").state, desk.entry("pay-1").payloads, len(person.open()))
    (asked,) = person.open()
    person.sign()
    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, 1, 1) == (entry.state, len(entry.payloads), desk.effects("pay-1"))
    assert entry.payloads[0].raw.endswith(asked.payload)


def test_without_a_durable_nonce_nobody_is_asked_to_sign_by_hand(desk: Desk) -> None:
    """A blockhash expires before a person has read the request."""
    Person(desk)

    with pytest.raises(DurableNonceMissing):
        desk.record("pay-1")


def test_the_others_sign_what_the_person_agreed_to(desk: Desk) -> None:
    """The person's message is of an hour ago, at another price; our own key signs that one."""
    own = LocalSolanaSigner(os.urandom(32))
    desk.others[own.address] = own
    account = nonce_account(desk)
    person = Person(desk)
    desk.record("pay-1", signers=(own.address,), durable_nonce=account)
    desk.step("pay-1")
    desk.policy = replace(desk.policy, fees=SolanaFeePolicy(price_floor=5_000, price_cap=1_000_000))
    desk.step("pay-1")
    person.sign()
    entry = desk.settle("pay-1")

    assert (State.CONFIRMED, 1) == (entry.state, desk.effects("pay-1"))
    assert [100] == [payload.unit_price for payload in entry.payloads]


def test_a_nonce_that_moved_on_while_the_person_read_is_asked_for_again(desk: Desk) -> None:
    """What they sign then is of the new value; the old message could not land any more."""
    account = nonce_account(desk)
    key = desk.signer
    person = Person(desk)
    desk.record("pay-1", durable_nonce=account)
    desk.step("pay-1")
    (first,) = person.open()
    outside, desk.signer = desk.signer, key
    advance_elsewhere(desk, account)
    desk.node.finalize()
    desk.signer = outside
    desk.step("pay-1")

    waiting = [request for request in person.open() if request.id != first.id]
    assert 1 == len(waiting)
    assert first.slot != waiting[0].slot


@pytest.fixture
def switch(desk: Desk) -> KillSwitch:
    """The switch in the hands of the ops slice."""
    return KillSwitch(Postgres(desk.database_url, desk.clock, role="counterpart_ops"), desk.clock)


def test_a_halted_service_owes_nothing_new(desk: Desk, switch: KillSwitch) -> None:
    """Refused in the caller's transaction, which is undone with it."""
    switch.halt("netting", "an operator", "a drill")

    with pytest.raises(ServiceHalted), desk.postgres.transaction() as tx:
        desk.outbox(switch=switch).record(tx, desk.intent("pay-1"))
    assert None is desk.outbox().entry("pay-1")


def test_a_halt_lets_no_effect_be_signed_and_a_resumption_does(desk: Desk, switch: KillSwitch) -> None:
    """Recorded before the halt, signed after it is over."""
    desk.record("pay-1")
    switch.halt("netting", "an operator", "a drill")
    outcome = desk.step("pay-1", desk.outbox(switch=switch))

    assert Retry(30.0, "netting is halted") == outcome
    assert () == desk.entry("pay-1").payloads
    switch.resume("netting", "an operator", "the drill is over")
    desk.step("pay-1", desk.outbox(switch=switch))
    assert State.CONFIRMED == desk.settle("pay-1").state


@pytest.mark.parametrize("pool", [MutePool, SwallowingPool])
def test_what_is_signed_goes_on_through_a_halt_and_is_not_signed_anew(
    desk: Desk, switch: KillSwitch, pool: Callable[..., SolanaPool]
) -> None:
    """Its bytes are sent while they live; once they are dead a second signature would be a new decision."""
    desk.record("lives", "dies")
    lost = desk.outbox(pool=pool(desk.urls, "localnet", desk.clock), switch=switch)
    desk.step("lives", lost)
    desk.step("dies", lost)
    switch.halt("netting", "an operator", "a drill")
    halted = desk.outbox(switch=switch)
    desk.step("lives", halted)
    desk.node.expire()
    desk.step("dies", halted)
    desk.step("lives", halted)

    assert (State.CONFIRMED, 1) == (desk.entry("lives").state, desk.effects("lives"))
    assert (1, 0) == (len(desk.entry("dies").payloads), desk.effects("dies"))


def test_an_unwanted_nonce_is_released_through_a_halt(desk: Desk, switch: KillSwitch) -> None:
    """A release is no effect: it makes sure that there is none."""
    account = nonce_account(desk)
    desk.record("late", durable_nonce=account, valid_until=desk.clock.now() + timedelta(seconds=5))
    desk.step("late", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    switch.halt("netting", "an operator", "a drill")
    desk.clock.advance(6)
    desk.step("late", desk.outbox(switch=switch))

    assert [Purpose.EFFECT, Purpose.RELEASE] == [payload.purpose for payload in desk.entry("late").payloads]
    assert State.CANCELLED == desk.settle("late").state
