"""The kill switch: a halted service owes nothing new and signs no new effect; what is signed goes on to its end."""

from datetime import timedelta

import pytest

from kernel.outbox.evm import EvmOutbox, Purpose, State
from kernel.postgres import Postgres
from kernel.tasks import Retry
from kernel.treasury.switch import KillSwitch, ServiceHalted
from tests.chain.outbox.desk import Desk

pytestmark = pytest.mark.chain


@pytest.fixture
def switch(desk: Desk) -> KillSwitch:
    """As the ops slice turns it."""
    return KillSwitch(Postgres(desk.database_url, desk.clock, role="counterpart_ops"), desk.clock)


def switched(desk: Desk, switch: KillSwitch) -> EvmOutbox:
    signers = {desk.signer.address: desk.signer}
    return EvmOutbox(desk.postgres, desk.tasks, desk.pool(), signers, desk.clock, policy=desk.policy, switch=switch)


def record(desk: Desk, outbox: EvmOutbox, key: str, service: str = "oracle") -> None:
    with desk.postgres.transaction() as tx:
        outbox.record(tx, desk.intent(key, service=service))


def test_a_halted_service_records_nothing(desk: Desk, switch: KillSwitch) -> None:
    """Refused in the caller's transaction, which undoes the business change as well; other services go on."""
    outbox = switched(desk, switch)
    switch.halt("oracle", "ada", "drill")

    with pytest.raises(ServiceHalted):
        record(desk, outbox, "pay-1")
    assert outbox.entry("pay-1") is None
    record(desk, outbox, "pay-2", service="bridge")
    assert desk.entry("pay-2").nonce == 0
    switch.resume("oracle", "ada", "done")
    record(desk, outbox, "pay-1")
    assert desk.entry("pay-1").nonce == 1


def test_a_halted_service_signs_no_first_effect(desk: Desk, switch: KillSwitch) -> None:
    """Recorded before the halt: looked at again in thirty seconds, without an attempt spent, until it is resumed."""
    outbox = switched(desk, switch)
    record(desk, outbox, "pay-1")
    switch.halt("oracle", "ada", "drill")

    assert desk.step("pay-1", outbox) == Retry(30.0, "oracle is halted")
    assert (desk.entry("pay-1").payloads, desk.tasks.about("pay-1")[0].attempt) == ((), 0)
    switch.resume("oracle", "ada", "done")
    desk.step("pay-1", outbox)
    desk.step("pay-1", outbox)
    assert desk.entry("pay-1").state == State.CONFIRMED


def test_what_is_signed_goes_on_to_its_end(desk: Desk, switch: KillSwitch) -> None:
    """Watched, replaced at a raised fee, settled: an unresolved nonce would stop everybody else's."""
    outbox = switched(desk, switch)
    desk.hold_blocks()
    record(desk, outbox, "pay-1")
    desk.step("pay-1", outbox)
    switch.halt("oracle", "ada", "drill")
    desk.clock.advance(31)
    desk.step("pay-1", outbox)

    assert [payload.purpose for payload in desk.entry("pay-1").payloads] == [Purpose.EFFECT] * 2
    desk.node.mine()
    desk.step("pay-1", outbox)
    assert desk.entry("pay-1").state == State.CONFIRMED


def test_an_expired_entry_of_a_halted_service_is_cancelled(desk: Desk, switch: KillSwitch) -> None:
    """A cancellation is no effect: the nonce is freed for the others."""
    outbox = switched(desk, switch)
    with desk.postgres.transaction() as tx:
        outbox.record(tx, desk.intent("late", valid_until=desk.clock.now() + timedelta(seconds=5)))
    switch.halt("oracle", "ada", "drill")
    desk.clock.advance(6)
    desk.step("late", outbox)
    desk.step("late", outbox)

    assert (desk.entry("late").state, desk.nonce()) == (State.CANCELLED, 1)
