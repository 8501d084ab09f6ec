"""Everything bad that may come in, and what becomes of each: who must not be paid is not, and everybody else is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.core.escrow import SET_ORDER
from functions.bridge.core.registry import Family, Payment, Version, chain_of, transfer_call
from infra.local.anvil import RpcRefused
from infra.local.bridge.world import Wish
from infra.local.flare.contracts import Contract, artifact
from kernel.abi import uint_word
from kernel.chain_events import EvmEvent
from kernel.evm.blocks import Log, hexadecimal
from kernel.testing import FakeClock
from tests.chain.bridge.desk import AMOUNT_WEI, ETHER, FEE_WEI, RECIPIENT, Desk
from tests.chain.bridge.scene import STRANGER, deployed, sent
from tests.integration.bridge.house import House
from tests.integration.bridge.simulated_chain import Frame
from tests.integration.bridge.simulated_contracts import Escrow
from tests.integration.bridge.stage import ESCROW, REGISTRY, Stage

pytestmark = pytest.mark.chain

OpenDesk = Callable[..., Desk]


def moody(desk: Desk, function: str, *arguments: Any) -> str:
    """A recipient of this mood."""
    one = Contract(deployed(desk.world.l1, "MoodyRecipient"), artifact("MoodyRecipient", "bridge"))
    assert sent(desk.world.l1, STRANGER, one.address, one.data(function, *arguments))["status"] == "0x1"
    return one.address


def dropped(desk: Desk) -> str | None:
    """Why the one order was dropped, in the end; nothing was paid or spent for it."""
    row = desk.until("dropped", seconds=40.0)
    assert desk.payments() == []
    assert desk.rows("select * from kernel.treasury_transfers") == []
    return str(row["reason"])


def event_of(desk: Desk, transaction_hash: bytes) -> EvmEvent:
    """What a webhook tells of a deposit."""
    receipt = desk.world.l2.rpc("eth_getTransactionReceipt", hexadecimal(transaction_hash))
    log = Log.from_rpc(receipt["logs"][0])
    return EvmEvent(chain_id=desk.world.l2.chain_id, **{name: getattr(log, name) for name in Log.__slots__})


def test_an_unpayable_recipient(open_desk: OpenDesk) -> None:
    """Dropped by its simulated payment: recipient_refuses."""
    desk = open_desk()
    desk.lock(recipient=moody(desk, "feel", 1))

    assert dropped(desk) == "recipient_refuses"


def test_a_recipient_who_burns_gas(open_desk: OpenDesk) -> None:
    """Dropped: recipient_burns_gas; with an endless appetite, which nobody can pay, recipient_refuses."""
    desk = open_desk()
    deposits = [desk.lock(recipient=moody(desk, "burn", gas), user=n) for n, gas in enumerate((300_000, 2**255))]

    reasons = [desk.until("dropped", deposit=one)["reason"] for one in deposits]

    assert reasons == ["recipient_burns_gas", "recipient_refuses"]
    assert desk.payments() == []


def test_a_recipient_who_has_itself_paid_again(open_desk: OpenDesk) -> None:
    """Paid once: the registry refuses the second payment within the first, and the order goes its way."""
    desk = open_desk()
    recipient = deployed(desk.world.l1, "MoodyRecipient")
    payment = Payment(order_id=0, recipient=recipient, amount_wei=AMOUNT_WEI, chain=chain_of(2, Family.ZKSYNC))
    contract = Contract(recipient, artifact("MoodyRecipient", "bridge"))
    call = contract.data("reenter", desk.generation.registry.address, transfer_call(2, payment))
    assert sent(desk.world.l1, STRANGER, recipient, call)["status"] == "0x1"
    desk.lock(recipient=recipient)

    desk.until("completed")

    assert desk.held(recipient) == AMOUNT_WEI
    assert len(desk.payments()) == 1


def test_a_zero_amount(open_desk: OpenDesk, database_url: str) -> None:
    """The escrow takes none; one of another's that does has it dropped: amount_is_zero."""
    desk = open_desk()
    user = desk.world.users[0]
    wish = Wish(user=user, version=desk.version, recipient=RECIPIENT, amount_wei=0, fee_wei=FEE_WEI)
    with pytest.raises((RpcRefused, AssertionError, IndexError)):
        desk.world.lock([wish])
    clock = FakeClock()
    desk.close()

    house = House(database_url, clock, bytes(range(2, 34)), lambda payer: _lenient(clock, payer))
    house.stage.lock(0xB0, 0, FEE_WEI)
    house.stage.l2.mine(3)
    house.minute()
    house.work()

    rows = house.rows("select state, reason from bridge.orders")
    assert [(row["state"], row["reason"]) for row in rows] == [("dropped", "amount_is_zero")]
    assert house.stage.payments(0) == []
    house.close()


def test_a_fee_below_cost(open_desk: OpenDesk) -> None:
    """Waits for cheaper gas, then no longer: fee_below_cost."""
    desk = open_desk()
    desk.lock(fee_wei=1)
    for _ in range(2):
        desk.turn()

    assert (desk.order()["state"], desk.order()["reason"]) == ("pending", "fee_below_cost")
    assert dropped(desk) == "fee_below_cost"


def test_an_amount_above_limits(open_desk: OpenDesk) -> None:
    """Dropped: amount_above_limit."""
    desk = open_desk()
    desk.lock(ETHER + 1)

    assert dropped(desk) == "amount_above_limit"


@pytest.mark.parametrize("version", Version)
def test_a_recipient_with_leading_zero_bytes(open_desk: OpenDesk, version: Version) -> None:
    """Paid in full, claimed and repaid."""
    desk, recipient = open_desk(version), "0x000000000000000000000000000000000000BEEF"
    desk.lock(recipient=recipient)

    desk.until("completed")

    assert desk.held(recipient) == AMOUNT_WEI


@pytest.mark.parametrize("order_id", [2**64 + 1, 2**256 - 2])
def test_an_order_id_above_2_to_the_64(open_desk: OpenDesk, order_id: int) -> None:
    """Paid, claimed and repaid under its whole id."""
    desk = open_desk()
    desk.count_on_from(order_id)
    desk.lock()

    assert int(desk.until("completed")["order_id"]) == order_id
    assert desk.payments() == [(order_id, RECIPIENT.lower(), AMOUNT_WEI)]


def test_a_duplicate_event(open_desk: OpenDesk) -> None:
    """Told by a webhook, both cursors and a webhook again: one order, one payment."""
    desk = open_desk()
    deposit = desk.lock()
    told = event_of(desk, deposit.transaction_hash)
    desk.tell(told)
    desk.work()
    desk.until("completed")
    for again in desk.rows("select id, kind from kernel.tasks where kind = 'bridge.chain_events'"):
        desk.deliver(again)
    desk.tell(replace(told, log_index=told.log_index + 1))
    desk.work()

    assert [row["generation"] for row in desk.rows("select generation from bridge.orders")] == [1]
    assert len(desk.payments()) == 1
    assert desk.held() == AMOUNT_WEI


def test_an_event_of_a_foreign_contract(open_desk: OpenDesk) -> None:
    """Skipped with the reason: another escrow's order is none of ours, whoever names it so."""
    desk = open_desk()
    desk.version = Version.V1
    foreign = desk.lock()
    desk.version = Version.V2
    key = desk.tell(event_of(desk, foreign.transaction_hash))
    for _ in range(3):
        desk.turn()

    [task] = desk.rows("select state, error from kernel.tasks where business_key = %(key)s", key=key)
    assert (task["state"], task["error"]) == ("skipped", "no event of this escrow")
    assert desk.rows("select * from bridge.orders") == []


def test_a_forged_webhook(open_desk: OpenDesk) -> None:
    """An event of our escrow that no chain holds is looked for until it would be final, then skipped: nothing is paid.

    One that changes what a true event says is not believed either: the chain's own words are taken.
    """
    desk = open_desk()
    deposit = desk.lock()
    true = event_of(desk, deposit.transaction_hash)
    data = b"".join(map(uint_word, (deposit.key.order_id, int(STRANGER, 16), ETHER, FEE_WEI)))
    forged = [
        desk.tell(replace(true, data=data)),
        desk.tell(replace(true, transaction_hash=b"\7" * 32, topics=(SET_ORDER,), data=data)),
    ]

    desk.until("completed", deposit=deposit)
    for _ in range(10):
        desk.turn(seconds=60.0)

    states = desk.rows("select business_key, state from kernel.tasks where business_key = any(%(keys)s)", keys=forged)
    assert {row["business_key"]: row["state"] for row in states} == {forged[0]: "done", forged[1]: "skipped"}
    assert desk.held(STRANGER) == 0
    assert desk.payments() == [(deposit.key.order_id, RECIPIENT.lower(), AMOUNT_WEI)]


def test_an_order_already_paid_by_somebody_else(open_desk: OpenDesk) -> None:
    """Dropped: already_paid. Whoever paid will claim."""
    desk = open_desk()
    deposit = desk.lock()
    payment = Payment(
        order_id=deposit.key.order_id,
        recipient=RECIPIENT,
        amount_wei=deposit.amount_wei,
        chain=chain_of(desk.version, Family.ZKSYNC),
    )
    data = transfer_call(desk.version, payment)
    registry = desk.generation.registry.address
    assert sent(desk.world.l1, STRANGER, registry, data, deposit.amount_wei)["status"] == "0x1"

    row = desk.until("dropped")

    assert row["reason"] == "already_paid"
    assert desk.rows("select * from kernel.treasury_transfers") == []
    assert desk.held() == AMOUNT_WEI


class Lenient(Escrow):
    """An escrow that takes an order for nothing."""

    def _set_order(self, frame: Frame, value_wei: int, recipient: int, fee_wei: int) -> bytes:
        frame.emit(self.address, (SET_ORDER,), b"".join(map(uint_word, (0, recipient, value_wei - fee_wei, fee_wei))))
        return uint_word(0)


def _lenient(clock: FakeClock, payer: str) -> Stage:
    stage = Stage(clock, Version.V2, payer)
    stage.l2.code[ESCROW] = Lenient(ESCROW, REGISTRY, payer)
    return stage
