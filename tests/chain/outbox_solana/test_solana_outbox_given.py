"""Messages that a wallet has made and signed, brought onto the cluster: these bytes, once, or not at all."""

import psycopg
import pytest

from infra.local.fault_proxy import FaultProxy
from infra.local.solana import LAMPORTS_PER_SOL
from kernel.errors import KeyUnavailable
from kernel.outbox.solana import GivenMessage, SolanaIntentChanged, State
from kernel.outbox.solana.entries import MessageTaken
from kernel.postgres import Postgres
from kernel.treasury.switch import KillSwitch
from tests.chain.outbox_solana.desk import Desk, MutePool, SwallowingPool
from tests.chain.outbox_solana.wallets import Wallet

pytestmark = pytest.mark.chain


@pytest.fixture
def wallet(desk: Desk) -> Wallet:
    return Wallet(desk)


@pytest.mark.parametrize("co_signed", [False, True])
def test_a_message_lands_byte_for_byte(desk: Desk, wallet: Wallet, co_signed: bool) -> None:
    """The wallet pays for it; what was stored ends in the very message that it signed."""
    given = wallet.pass_on("pass-1", co_signed=co_signed)
    entry = desk.settle("pass-1")

    assert (State.CONFIRMED, 1, 1) == (entry.state, len(entry.payloads), desk.effects("pass-1"))
    assert entry.payloads[0].raw.endswith(given.message)
    assert 100 * LAMPORTS_PER_SOL == desk.node.balance(desk.payer)


@pytest.mark.parametrize("co_signed", [False, True])
def test_a_message_that_never_lands_is_cancelled_and_never_signed_anew(
    desk: Desk, wallet: Wallet, co_signed: bool
) -> None:
    """The nodes take it and forget it; once two of them know it dead, that is the end."""
    wallet.pass_on("pass-1", co_signed=co_signed)
    desk.step("pass-1", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    first = desk.entry("pass-1").payloads
    desk.node.expire()
    entry = desk.settle("pass-1")

    assert (State.CANCELLED, "expired") == (entry.state, entry.reason)
    assert [one.signature for one in first] == [one.signature for one in entry.payloads]
    assert 0 == desk.effects("pass-1")


def test_a_living_message_is_sent_again(desk: Desk, wallet: Wallet) -> None:
    """The same bytes; the first broadcasts reached nobody."""
    wallet.pass_on("pass-1", co_signed=True)
    for _ in range(3):
        desk.step("pass-1", desk.outbox(pool=MutePool(desk.urls, "localnet", desk.clock)))
    entry = desk.settle("pass-1")

    assert (State.CONFIRMED, 1, 1) == (entry.state, len(entry.payloads), desk.effects("pass-1"))


def test_a_message_that_the_wallet_sent_itself_is_found(desk: Desk, wallet: Wallet) -> None:
    """Also where it had landed, and its blockhash had gone, before anybody here looked at it."""
    given = wallet.pass_on("pass-1", co_signed=False)
    signed = wallet.send_alone(given)
    desk.node.expire()
    entry = desk.settle("pass-1")

    assert (State.CONFIRMED, signed.signature, 1) == (entry.state, entry.signature, desk.effects("pass-1"))


def test_a_message_that_comes_too_late_is_not_signed_by_ours(desk: Desk, wallet: Wallet) -> None:
    """No signature of ours exists for it, so nothing was ever out."""
    wallet.pass_on("pass-1", co_signed=True)
    desk.node.expire()
    entry = desk.settle("pass-1")

    assert (State.CANCELLED, ()) == (entry.state, entry.payloads)


def test_a_message_that_would_fail_is_not_signed_by_ours(desk: Desk, wallet: Wallet) -> None:
    """The wallet promises more than it has: held without an alarm until its time is over."""
    given = wallet.offer("pass-1", co_signed=True, lamports=2 * LAMPORTS_PER_SOL)
    wallet.record(wallet.intent("pass-1", given))
    desk.step("pass-1")
    held = desk.entry("pass-1")
    desk.node.expire()

    assert (State.RECORDED, None) == (held.state, held.alarm)
    assert State.CANCELLED == desk.settle("pass-1").state


def test_a_signed_message_that_fails_has_failed(desk: Desk, wallet: Wallet) -> None:
    """It is in a block with its error, and the wallet has paid the fee."""
    given = wallet.offer("pass-1", co_signed=False, lamports=2 * LAMPORTS_PER_SOL)
    wallet.record(wallet.intent("pass-1", given))

    assert (State.FAILED, 0) == (desk.settle("pass-1").state, desk.effects("pass-1"))


def test_one_message_is_one_obligation(desk: Desk, wallet: Wallet) -> None:
    """Again under its key it is the same; under another key it is refused, as is another message under the same."""
    given = wallet.pass_on("pass-1", co_signed=False)
    wallet.record(wallet.intent("pass-1", given))

    with pytest.raises(MessageTaken):
        wallet.record(wallet.intent("pass-2", given))
    with pytest.raises(SolanaIntentChanged):
        wallet.record(wallet.intent("pass-1", wallet.offer("pass-2", co_signed=False)))
    assert None is desk.outbox().entry("pass-2")
    assert State.CONFIRMED == desk.settle("pass-1").state


def test_a_message_that_nobody_here_can_complete_is_not_recorded(desk: Desk, wallet: Wallet) -> None:
    """Its payer has not signed, and is nobody of ours."""
    given = wallet.offer("pass-1", co_signed=False)

    with pytest.raises(KeyUnavailable):
        wallet.record(wallet.intent("pass-1", GivenMessage(given.message, {}, given.last_height, given.slot)))


def test_what_was_given_can_be_rewritten_by_nobody(desk: Desk, wallet: Wallet) -> None:
    """Neither message, nor signatures, nor the height of its death."""
    wallet.pass_on("pass-1", co_signed=True)

    for change in ("given_message = ''", "given_signatures = '{}'", "given_last_height = 1", "given_slot = 1"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), desk.postgres.transaction() as tx:
            tx.execute(f"update kernel.solana_outbox set {change}")


def test_while_its_service_is_halted_ours_sign_no_message(desk: Desk, wallet: Wallet) -> None:
    """What the wallet has signed alone is out already, and watched; what waits for ours waits, and dies."""
    wallet.pass_on("waits", co_signed=True)
    wallet.pass_on("is out", co_signed=False)
    switch = KillSwitch(Postgres(desk.database_url, desk.clock, role="counterpart_ops"), desk.clock)
    switch.halt("netting", "a person", "a test")
    halted = desk.outbox(switch=switch)
    for key in ("waits", "is out"):
        desk.step(key, halted)

    assert ((), 1) == (desk.entry("waits").payloads, len(desk.entry("is out").payloads))
    assert State.CONFIRMED == desk.settle("is out").state
    desk.node.expire()
    desk.step("waits", halted)
    assert State.CANCELLED == desk.entry("waits").state


def test_one_forgetful_endpoint_cancels_nothing(faulty_desk: Desk, faults: FaultProxy) -> None:
    """It knows no signature, and that the other one does keeps the message from its end."""
    wallet = Wallet(faulty_desk)
    wallet.pass_on("pass-1", co_signed=True)
    faulty_desk.step("pass-1")
    faulty_desk.node.expire()
    faults["secondary"].inject(signatures="forgotten")
    faulty_desk.step("pass-1")

    assert State.CANCELLED != faulty_desk.entry("pass-1").state
    faults.heal()
    assert State.CONFIRMED == faulty_desk.settle("pass-1").state
