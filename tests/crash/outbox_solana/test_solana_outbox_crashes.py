"""The process dies between any two steps; another one resumes; the effect happens exactly once."""

import pytest

from kernel.outbox.solana import Purpose, SolanaOutbox, State
from kernel.tasks import QueueUnavailable
from tests.chain.outbox_solana.desk import Desk, DyingPool, DyingSigner, SwallowingPool
from tests.chain.outbox_solana.nonces import nonce_account
from tests.chain.workbench import Died

pytestmark = pytest.mark.crash


def die(desk: Desk, key: str, outbox: SolanaOutbox) -> None:
    with pytest.raises(Died):
        desk.step(key, outbox)


def signing_to_death(desk: Desk) -> SolanaOutbox:
    return desk.outbox(signer=DyingSigner(desk.seed))


def sending_to_death(desk: Desk, *, after_sending: bool) -> SolanaOutbox:
    return desk.outbox(pool=DyingPool(desk.urls, desk.clock, after_sending=after_sending))


def assert_one_effect(desk: Desk, key: str, payloads: int = 1) -> None:
    entry = desk.settle(key)
    assert (State.CONFIRMED, 1) == (entry.state, desk.effects(key))
    assert payloads == len(entry.payloads)


def test_death_before_the_recording_commits_leaves_nothing(desk: Desk) -> None:
    """The obligation never was."""
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

    assert 1 == desk.tasks.sweep()
    assert_one_effect(desk, "pay-1")


def test_death_after_signing_before_storing(desk: Desk) -> None:
    """Bytes that were not committed were not sent: the next holder signs anew, over another blockhash."""
    desk.record("pay-1")
    die(desk, "pay-1", signing_to_death(desk))
    desk.node.mine(3)

    assert State.RECORDED == desk.entry("pay-1").state
    assert_one_effect(desk, "pay-1")


def test_death_after_storing_before_broadcasting(desk: Desk) -> None:
    """The next holder sends the stored bytes, and signs nothing."""
    desk.record("pay-1")
    die(desk, "pay-1", sending_to_death(desk, after_sending=False))
    stored = desk.entry("pay-1")

    assert (State.SIGNED, None) == (stored.state, stored.payloads[0].sent_at)
    assert_one_effect(desk, "pay-1")
    assert stored.payloads[0].signature == desk.entry("pay-1").signature


def test_death_after_storing_until_the_blockhash_has_expired(desk: Desk) -> None:
    """Nobody came for minutes: the stored bytes are proven dead before the effect is signed again."""
    desk.record("pay-1")
    die(desk, "pay-1", sending_to_death(desk, after_sending=False))
    desk.node.expire()

    assert_one_effect(desk, "pay-1", payloads=2)


def test_death_after_broadcasting_before_noting_it(desk: Desk) -> None:
    """The next holder finds the transaction by its stored signature."""
    desk.record("pay-1")
    die(desk, "pay-1", sending_to_death(desk, after_sending=True))

    assert State.SIGNED == desk.entry("pay-1").state
    assert_one_effect(desk, "pay-1")


def test_death_after_broadcasting_until_the_blockhash_has_expired(desk: Desk) -> None:
    """It landed meanwhile, and its status is long out of the cache: history knows it, and nothing is signed again."""
    desk.record("pay-1")
    die(desk, "pay-1", sending_to_death(desk, after_sending=True))
    for _ in range(3):
        desk.node.expire()

    assert_one_effect(desk, "pay-1")


def test_death_after_the_second_signature_was_stored(desk: Desk) -> None:
    """The first bytes are dead, the second ones stored: they are sent, and no third is signed."""
    desk.record("pay-1")
    desk.step("pay-1", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    desk.node.expire()
    die(desk, "pay-1", sending_to_death(desk, after_sending=False))

    assert (State.SIGNED, 2) == (desk.entry("pay-1").state, len(desk.entry("pay-1").payloads))
    assert_one_effect(desk, "pay-1", payloads=2)


def test_death_before_the_end_is_committed(desk: Desk) -> None:
    """The settlement and the task's completion are one commit: the next holder settles."""
    desk.record("pay-1")
    desk.step("pay-1")
    desk.node.finalize()
    desk.wait_until_due("pay-1")
    task = desk.claim("pay-1")

    def die_in_the_transaction(*_: object) -> None:
        raise Died

    with pytest.raises(Died):
        desk.outbox().advance(desk.entry("pay-1").id, task.fence, settled=die_in_the_transaction)
    assert State.BROADCAST == desk.entry("pay-1").state
    assert_one_effect(desk, "pay-1")


def test_death_with_a_leased_nonce(desk: Desk) -> None:
    """The lease is committed before the signature: the next holder has it, and others wait."""
    account = nonce_account(desk)
    desk.record("pay-1", "next", durable_nonce=account)
    die(desk, "pay-1", signing_to_death(desk))
    desk.step("next")

    assert [desk.entry("pay-1").id] == [
        row["entry_id"] for row in desk.rows("select entry_id from kernel.solana_nonces")
    ]
    assert () == desk.entry("next").payloads
    assert_one_effect(desk, "pay-1")
    assert_one_effect(desk, "next")


def test_death_while_a_release_goes_out(desk: Desk) -> None:
    """Effect and release are both stored over one nonce; whichever lands decides, and the next holder finds it."""
    desk.record("pay-1", durable_nonce=nonce_account(desk))
    desk.step("pay-1", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    desk.clock.advance(60)
    die(desk, "pay-1", sending_to_death(desk, after_sending=True))
    entry = desk.settle("pay-1")

    assert [Purpose.EFFECT, Purpose.RELEASE, Purpose.EFFECT] == [payload.purpose for payload in entry.payloads]
    assert (State.CONFIRMED, 1) == (entry.state, desk.effects("pay-1"))


@pytest.mark.parametrize("deaths", range(1, 5))
def test_any_number_of_deaths_in_a_row_still_make_one_effect(desk: Desk, deaths: int) -> None:
    """Each new process dies at the next point; the last one lives."""
    desk.record("pay-1")
    points = [
        signing_to_death(desk),
        sending_to_death(desk, after_sending=False),
        sending_to_death(desk, after_sending=False),
        sending_to_death(desk, after_sending=True),
    ]
    for outbox in points[:deaths]:
        die(desk, "pay-1", outbox)

    assert_one_effect(desk, "pay-1")
