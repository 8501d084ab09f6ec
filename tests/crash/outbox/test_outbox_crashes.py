"""The process dies between any two steps; another one resumes; the effect happens exactly once."""

import pytest

from kernel.outbox.evm import EvmOutbox, State
from kernel.tasks import QueueUnavailable
from tests.chain.outbox.desk import Desk, DyingPool, DyingSigner
from tests.chain.workbench import Died

pytestmark = pytest.mark.crash


def die(desk: Desk, key: str, outbox: EvmOutbox) -> None:
    with pytest.raises(Died):
        desk.step(key, outbox)


def assert_one_effect(desk: Desk, key: str, payloads: int = 1) -> None:
    entry = desk.settle(key)
    assert (entry.state, desk.received(key), desk.nonce()) == (State.CONFIRMED, 7, 1)
    assert payloads == len(entry.payloads)


def test_death_before_the_recording_commits_leaves_nothing(desk: Desk) -> None:
    """The obligation never was; its nonce goes to the next one."""
    with pytest.raises(Died), desk.postgres.transaction() as tx:
        desk.outbox().record(tx, desk.intent("dead"))
        raise Died
    desk.record("pay-1")

    assert None is desk.outbox().entry("dead")
    assert_one_effect(desk, "pay-1")


def test_death_after_the_recording_committed(desk: Desk) -> None:
    """Its message is lost with the process; the sweeper finds the task."""
    desk.queue.failing = QueueUnavailable()
    desk.record("pay-1")
    desk.queue.failing = None
    desk.clock.advance(6)

    assert desk.tasks.sweep() == 1
    assert_one_effect(desk, "pay-1")


def test_death_after_signing_before_storing(desk: Desk) -> None:
    """Bytes that were not committed were not sent: the next holder signs anew."""
    desk.record("pay-1")
    die(desk, "pay-1", desk.outbox(signer=DyingSigner(desk.private_key)))

    assert desk.entry("pay-1").state == State.RECORDED
    assert desk.node.rpc("txpool_status")["pending"] == "0x0"
    assert_one_effect(desk, "pay-1")


def test_death_after_storing_before_broadcasting(desk: Desk) -> None:
    """The next holder sends the stored bytes, and signs nothing."""
    desk.record("pay-1")
    die(desk, "pay-1", desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=False)))
    stored = desk.entry("pay-1")

    assert (stored.state, stored.payloads[0].sent_at) == (State.SIGNED, None)
    assert_one_effect(desk, "pay-1")
    assert stored.payloads[0].hash == desk.entry("pay-1").transaction_hash


def test_death_after_broadcasting_before_noting_it(desk: Desk) -> None:
    """The next holder finds the transaction on the chain by its stored hash."""
    desk.record("pay-1")
    die(desk, "pay-1", desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=True)))

    assert desk.entry("pay-1").state == State.SIGNED
    assert_one_effect(desk, "pay-1")


def test_death_after_broadcasting_while_the_transaction_is_pending(desk: Desk) -> None:
    """The node knows the bytes: the entry is broadcast, and nothing is signed again."""
    desk.hold_blocks()
    desk.record("pay-1")
    die(desk, "pay-1", desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=True)))
    desk.step("pay-1")

    assert desk.entry("pay-1").state == State.BROADCAST
    desk.node.mine()
    assert_one_effect(desk, "pay-1")


def test_death_before_the_end_is_committed(desk: Desk) -> None:
    """The settlement and the task's completion are one commit: the next holder settles."""
    desk.record("pay-1")
    desk.step("pay-1")
    desk.wait_until_due("pay-1")
    task = desk.claim("pay-1")

    def die_in_the_transaction(*_: object) -> None:
        raise Died

    with pytest.raises(Died):
        desk.outbox().advance(desk.entry("pay-1").id, task.fence, settled=die_in_the_transaction)
    assert desk.entry("pay-1").state == State.BROADCAST
    assert_one_effect(desk, "pay-1")


def test_an_orphan_does_not_hold_up_the_nonces_after_it(desk: Desk) -> None:
    """The holder of nonce 0 died with signed bytes; nonce 1 is already out; the sweeper's next worker fills 0."""
    desk.record("orphan", "next")
    die(desk, "orphan", desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=False)))
    desk.step("next")

    assert desk.nonce() == 0
    assert desk.settle("orphan").state == State.CONFIRMED
    assert desk.settle("next").state == State.CONFIRMED
    assert [desk.received("orphan"), desk.received("next")] == [7, 7]


@pytest.mark.parametrize("deaths", range(1, 5))
def test_any_number_of_deaths_in_a_row_still_make_one_effect(desk: Desk, deaths: int) -> None:
    """Each new process dies at the next point; the last one lives."""
    desk.record("pay-1")
    points = [
        desk.outbox(signer=DyingSigner(desk.private_key)),
        desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=False)),
        desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=False)),
        desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=True)),
    ]
    for outbox in points[:deaths]:
        die(desk, "pay-1", outbox)

    assert_one_effect(desk, "pay-1")
