"""Several workers at once: one lease, one signature, one effect."""

from collections.abc import Callable

import pytest

from kernel.errors import LeaseLost
from kernel.evm.transactions import SignedTransaction, UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.outbox.evm import State
from tests.chain.outbox.desk import Desk
from tests.chain.workbench import LEASE_S
from tests.races import at_once

pytestmark = pytest.mark.chain


class SlowSigner(LocalSigner):
    """Signs, and is then held up until its task has another worker."""

    __slots__ = ("meanwhile",)
    meanwhile: Callable[[], object]

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        signed = super().sign_transaction(payload)
        self.meanwhile()
        return signed


def test_a_stale_worker_cannot_store_its_signature(desk: Desk) -> None:
    """Its lease ran out while it signed: nothing of it is stored, so nothing of it is ever broadcast."""
    desk.record("pay-1")
    slow = SlowSigner(desk.private_key)

    def overtake() -> None:
        desk.clock.advance(LEASE_S + 1)
        desk.claim("pay-1")

    slow.meanwhile = overtake

    with pytest.raises(LeaseLost):
        desk.step("pay-1", desk.outbox(signer=slow))
    assert (desk.entry("pay-1").payloads, desk.entry("pay-1").state) == ((), State.RECORDED)
    assert desk.node.block_number() == 0
    assert desk.settle("pay-1").state == State.CONFIRMED
    assert desk.received("pay-1") == 7


def test_two_workers_on_one_entry_keep_one_signed_payload(desk: Desk) -> None:
    """The second overtakes the first while it signs, at another price; the first finds its lease lost."""
    desk.record("pay-1")
    slow = SlowSigner(desk.private_key)

    def overtake() -> None:
        desk.clock.advance(LEASE_S + 1)
        desk.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(3 * 10**9))
        desk.node.mine()
        desk.step("pay-1")

    slow.meanwhile = overtake

    with pytest.raises(LeaseLost):
        desk.step("pay-1", desk.outbox(signer=slow))
    assert len(desk.entry("pay-1").payloads) == 1
    assert desk.settle("pay-1").state == State.CONFIRMED
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_a_worker_that_lost_its_lease_after_sending_harms_nothing(desk: Desk) -> None:
    """What it sent was committed bytes; only its note of the answer is refused."""
    desk.hold_blocks()
    (entry_id,) = desk.record("pay-1")
    stale = desk.claim("pay-1")
    desk.clock.advance(LEASE_S + 1)
    fresh = desk.claim("pay-1")
    desk.outbox().advance(entry_id, fresh.fence)

    with pytest.raises(LeaseLost):
        desk.node.rpc("anvil_dropAllTransactions")
        desk.outbox().advance(entry_id, stale.fence)
    assert len(desk.entry("pay-1").payloads) == 1
    desk.node.mine()
    assert (desk.received("pay-1"), desk.nonce()) == (7, 1)


def test_concurrent_records_lease_every_nonce_once(desk: Desk) -> None:
    """Eight threads, ten obligations each, one signer: eighty consecutive nonces, the first use included."""
    at_once(range(8), lambda worker: [desk.record_elsewhere(f"pay-{worker}-{number}") for number in range(10)])

    leased = [row["nonce"] for row in desk.rows("select nonce from kernel.evm_outbox order by nonce")]
    assert leased == list(range(80))


def test_concurrent_records_of_one_key_make_one_obligation(desk: Desk) -> None:
    """Eight threads race for the same business key, each sure to be the first."""
    found = at_once(range(8), lambda _: desk.record_elsewhere("pay-1"))

    assert (len(found), len({tuple(ids) for ids in found})) == (8, 1)
    desk.record("pay-2")
    assert [desk.entry("pay-1").nonce, desk.entry("pay-2").nonce] == [0, 1]
