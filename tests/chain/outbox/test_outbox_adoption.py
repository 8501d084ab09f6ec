"""Another wallet sent exactly what we owe: its transaction is the effect, and nothing is paid twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.evm.blocks import hexadecimal
from kernel.keys.evm import LocalSigner
from kernel.keys.outside import SignatureAwaited
from kernel.outbox.evm import State
from kernel.tasks import Retry
from tests.chain.outbox.desk import REVERTING_CODE, Desk, recipient

pytestmark = pytest.mark.chain


class Wallet(LocalSigner):
    """An operator's wallet that is asked to sign, and sends the transaction itself instead of handing it back."""

    __slots__ = ()

    def sign_transaction(self, payload: Any) -> Any:
        raise SignatureAwaited


def send_by_hand(desk: Desk, key: str, **changes: Any) -> bytes:
    """The wallet program sends what the entry owes, with fees and gas of its own."""
    desk.node.rpc("anvil_impersonateAccount", desk.signer.address)
    entry = desk.entry(key)
    effect = {
        "from": entry.signer,
        "to": entry.to,
        "value": hex(entry.value_wei),
        "data": hexadecimal(entry.data),
        "nonce": hex(entry.nonce),
        "gas": hex(90_000),
    }
    return bytes.fromhex(desk.node.send(**{**effect, **changes})[2:])


def test_a_wallet_that_sends_what_it_was_asked_to_sign_has_paid(desk: Desk) -> None:
    """Nothing was ever signed for us: the entry is confirmed by the wallet's own transaction."""
    desk.record("pay-1", data=b"\x01\x02")
    outbox = desk.outbox(signer=Wallet(desk.private_key))
    awaiting = desk.step("pay-1", outbox)
    sent = send_by_hand(desk, "pay-1")
    desk.step("pay-1", outbox)

    entry = desk.entry("pay-1")
    assert isinstance(awaiting, Retry)
    assert (State.CONFIRMED, sent, 1) == (entry.state, entry.transaction_hash, entry.leases)
    assert entry.reason == f"another wallet sent this very transaction: {hexadecimal(sent)}"
    assert (desk.received("pay-1"), desk.nonce(), entry.payloads) == (7, 1, ())
    assert desk.tasks.about("pay-1")[0].attempt == 1  # waiting for a signature cost none


def test_the_same_payment_by_another_program_is_not_paid_again(desk: Desk) -> None:
    """Ours is signed and stored, theirs is mined: one effect, and no new nonce."""
    desk.hold_blocks()
    desk.record("pay-1")
    desk.step("pay-1")
    desk.node.rpc("anvil_dropAllTransactions")
    sent = send_by_hand(desk, "pay-1")
    desk.node.mine()

    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, sent, 1) == (entry.state, entry.transaction_hash, entry.leases)
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_an_adopted_transaction_that_reverted_fails_the_entry(desk: Desk) -> None:
    """It was our effect, and it did not succeed: as our own would have."""
    desk.node.rpc("anvil_setCode", recipient("refuser"), REVERTING_CODE)
    desk.record("pay-1", to=recipient("refuser"), gas_limit=100_000)
    send_by_hand(desk, "pay-1")

    entry = desk.settle("pay-1")
    assert (entry.state, entry.leases, desk.nonce()) == (State.FAILED, 1, 1)


@pytest.mark.parametrize(
    "difference", [{"value": "0x8"}, {"to": recipient("else")}, {"data": "0x01"}], ids=["value", "recipient", "data"]
)
def test_a_transaction_that_does_something_else_is_foreign(desk: Desk, difference: dict[str, str]) -> None:
    """One wei, one address, one byte: then the obligation still stands."""
    desk.record("pay-1")
    send_by_hand(desk, "pay-1", **difference)
    before = desk.received("pay-1")

    entry = desk.settle("pay-1")
    assert (entry.state, entry.leases, desk.nonce()) == (State.CONFIRMED, 2, 2)
    assert desk.received("pay-1") == before + 7


def test_a_wallet_that_uses_the_nonce_for_something_else_is_asked_again(desk: Desk) -> None:
    """Nothing was signed for us, and its nonce is gone: a new one is leased."""
    desk.record("pay-1")
    outbox = desk.outbox(signer=Wallet(desk.private_key))
    desk.step("pay-1", outbox)
    send_by_hand(desk, "pay-1", value="0x63")
    desk.step("pay-1", outbox)

    entry = desk.entry("pay-1")
    assert (entry.state, entry.nonce, entry.leases) == (State.RECORDED, 1, 2)


def test_what_the_wallet_sent_long_before_anybody_looked_is_found(desk: Desk) -> None:
    """The search goes back further than any reorganisation, as nothing of ours says since when."""
    desk.record("pay-1")
    sent = send_by_hand(desk, "pay-1")
    desk.node.mine(300)

    entry = None
    outbox = desk.outbox(signer=Wallet(desk.private_key))
    desk.step("pay-1", outbox)
    entry = desk.entry("pay-1")
    assert (State.CONFIRMED, sent) == (entry.state, entry.transaction_hash)


def test_an_older_payment_of_the_same_is_not_this_one(desk: Desk) -> None:
    """Paid by hand long before this was owed, at the nonce that is leased now: what is owed now is paid, too."""
    desk.outbox().open_signers()
    desk.node.rpc("anvil_impersonateAccount", desk.signer.address)
    rent = {"from": desk.signer.address, "to": recipient("rent"), "value": "0x7", "nonce": "0x0"}
    desk.node.send(**rent)
    desk.clock.set(datetime.now(UTC) + timedelta(days=30))
    desk.record("rent")

    entry = desk.settle("rent")
    assert (State.CONFIRMED, 1, 2) == (entry.state, entry.nonce, entry.leases)
    assert (desk.received("rent"), desk.nonce()) == (14, 2)
