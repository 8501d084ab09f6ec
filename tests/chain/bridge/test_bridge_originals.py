"""What the bot that came before got wrong, one test each: its mistake in the name, what happens here instead below."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.bridge.core.order import OrderKey
from functions.bridge.core.registry import Version
from functions.bridge.core.retry import ATTEMPTS_MAX
from infra.local.evm_reading import ask
from infra.local.flare.contracts import Contract, artifact
from tests.chain.bridge.desk import AMOUNT_WEI, ETHER, Desk
from tests.chain.bridge.scene import STRANGER, deployed, sent

pytestmark = pytest.mark.chain

OpenDesk = Callable[..., Desk]
REFUSES = 1


def feels(desk: Desk, recipient: str, mood: int) -> None:
    """A recipient changes its mood."""
    data = Contract(recipient, artifact("MoodyRecipient", "bridge")).data("feel", mood)
    assert sent(desk.world.l1, STRANGER, recipient, data)["status"] == "0x1"


def events(desk: Desk) -> list[str]:
    """The events of all orders' lives, in their order."""
    return [row["event"] for row in desk.rows("select event from bridge.order_history order by id")]


def errors(desk: Desk) -> list[str]:
    """What failed."""
    return [row["code"] for row in desk.rows("select code from bridge.order_errors order by id")]


def test_receipt_status_unchecked(open_desk: OpenDesk) -> None:
    """A payment that is mined and reverts is a failure with its error: nothing is owed, claimed, called fulfilled."""
    desk = open_desk()
    recipient = deployed(desk.world.l1, "MoodyRecipient")
    desk.lock(recipient=recipient)
    desk.mine(2)
    desk.minute()
    while desk.rows("select 1 from bridge.orders where state = 'transferring'") == []:
        desk.work(1)
    feels(desk, recipient, REFUSES)

    row = desk.until("dropped", seconds=60.0)

    assert row["reason"] == "recipient_refuses"
    assert errors(desk) == ["transaction_failed"]
    assert {"revert", "drop"} <= set(events(desk))
    assert not {"pay", "claim", "close"} & set(events(desk))
    assert desk.payments() == []
    assert desk.held(recipient) == 0


def test_a_crash_between_send_and_store_loses_or_repeats_a_payment(open_desk: OpenDesk) -> None:
    """Whoever dies around any commit of the submitting step is followed by one that looks first: one payment each."""
    desk, points = open_desk(), 12
    for user in range(points):
        desk.lock(AMOUNT_WEI + user, user=user)
    desk.mine(2)
    desk.minute()
    deaths = 0
    for left in range(points):
        desk.doom.left = left
        for _ in range(40):
            due = [task for task in desk.due() if task["kind"] == "bridge.submit_l1_transaction" or left == 0]
            if not due:
                desk.work(1)
            for task in due[:1]:
                desk.deliver(task)
            if desk.doom.left is None:
                deaths += 1
                break
        desk.doom.left = None
        desk.clock.advance(90)  # a lease later

    rows = settle(desk, points)

    assert deaths > 0
    assert [row["state"] for row in rows] == ["completed"] * points
    assert sorted(amount for _, _, amount in desk.payments()) == [AMOUNT_WEI + user for user in range(points)]


def test_the_fallback_rpc_can_send_twice(open_desk: OpenDesk) -> None:
    """An endpoint that takes the bytes and answers with an error has them sent again: the same bytes, one payment."""
    desk = open_desk(proxied=True)
    proxy = desk.world.l1.proxy
    assert proxy is not None
    proxy["primary"].inject(send="error")
    proxy["secondary"].inject(send="lost")
    desk.lock()

    desk.until("completed")

    used = int(desk.world.l1.rpc("eth_getTransactionCount", desk.settings.signer, "latest"), 16)
    assert desk.held() == AMOUNT_WEI
    assert (len(desk.payments()), used) == (1, 2)  # a payment and a claim


def test_completed_read_from_the_l1_flag(open_desk: OpenDesk) -> None:
    """While the message is under way the registry has it all, and the order is not completed: its escrow waits."""
    desk = open_desk()
    deposit = desk.lock()
    desk.relayer.hold()
    desk.until("proved")
    for _ in range(5):
        desk.turn(seconds=20.0)

    assert desk.order()["state"] == "proved"
    assert desk.world.is_pending(desk.version, deposit.key.order_id)

    desk.relayer.release()

    assert desk.until("completed")["close_block"] is not None
    assert not desk.world.is_pending(desk.version, deposit.key.order_id)


def test_pays_on_pending_blocks_without_reorg_handling(open_desk: OpenDesk) -> None:
    """A deposit that is not deep enough for its value waits, and one that is reorganised away is forgotten."""
    desk = open_desk()
    l2 = desk.world.l2
    before = l2.snapshot()
    desk.lock(ETHER // 5)  # 400 dollars: four confirmations
    l2.mine()
    for _ in range(3):
        desk.turn(mines=False)

    assert (desk.order()["state"], desk.order()["reason"]) == ("pending", "deposit_not_final")

    l2.revert(before)
    l2.mine(60)

    assert desk.until("dropped", seconds=30.0)["reason"] == "reorganised"
    assert desk.payments() == []


def test_zksync_failures_never_retried_the_others_for_ever(open_desk: OpenDesk) -> None:
    """A claim that cannot be made is tried again, ever later, then parked for a person; and goes on when released."""
    desk = open_desk()
    desk.lock()
    desk.until("fulfilled")
    maker, owner = desk.settings.signer, _owner(desk)
    _appoint(desk, owner, desk.world.users[1].address)
    for _ in range(60):
        desk.turn(seconds=60.0)
        row = desk.order()
        if row["is_parked"]:
            break
        if row["next_attempt_at"] is not None:
            desk.clock.advance(max(0.0, (row["next_attempt_at"] - desk.clock.now()) / timedelta(seconds=1)))

    assert (row["state"], row["is_parked"], row["attempts"]) == ("fulfilled", True, ATTEMPTS_MAX)
    assert errors(desk) == ["claim_refused"] * ATTEMPTS_MAX

    _appoint(desk, owner, maker)
    key = OrderKey(row["origin"], int(row["order_id"]))
    desk.deps.retrying.release(key, row["generation"], actor="a person", reason="the registry knows us again")

    assert desk.until("completed")["is_failed"] is False


def test_one_lock_across_receipt_waits(open_desk: OpenDesk) -> None:
    """Many payments of one signer wait in the same block: none waits for another's receipt."""
    desk, count = open_desk(), 8
    for user in range(count):
        desk.lock(AMOUNT_WEI + user, user=user)
    desk.mine(2)
    desk.world.l1.rpc("evm_setAutomine", False)
    desk.minute()
    desk.work(8 * count)

    waiting = int(desk.world.l1.rpc("txpool_status")["pending"], 16)
    assert waiting == count

    desk.world.l1.mine()
    assert len(desk.payments()) == count
    desk.world.l1.rpc("evm_setAutomine", True)
    assert {row["state"] for row in settle(desk, count)} == {"completed"}


def test_order_id_int32(open_desk: OpenDesk) -> None:
    """An id past 32 bits is an order like any other, all the way."""
    desk, order_id = open_desk(), 2**31
    desk.count_on_from(order_id)
    desk.lock()

    assert int(desk.until("completed")["order_id"]) == order_id
    assert [paid[0] for paid in desk.payments()] == [order_id]


@pytest.mark.parametrize("version", Version)
def test_recipients_with_leading_zero_bytes_not_padded(open_desk: OpenDesk, version: Version) -> None:
    """The recipient gets the amount, and the escrow knows it again."""
    desk, recipient = open_desk(version), "0x00000000000000000000000000000000000000B0"
    desk.lock(recipient=recipient)

    desk.until("completed")

    assert desk.held(recipient) == AMOUNT_WEI
    assert [paid[1].lower() for paid in desk.payments()] == [recipient.lower()]


def test_zksync_fee_estimated_as_0(open_desk: OpenDesk) -> None:
    """The message's price is asked of the mailbox, paid with the claim, and part of what the fee must cover."""
    desk = open_desk()
    desk.lock()

    row = desk.until("completed")

    market = {name: int(text) for name, text in row["decision"]["inputs"]["market"].items() if text.isdigit()}
    gas_wei = (market["transfer_gas"] + market["claim_gas"]) * market["gas_price_wei"]
    [claimed] = desk.rows("select amount from kernel.treasury_transfers where key like '%%:claim'")
    assert market["message_fee_wei"] > 0
    assert int(claimed["amount"]) > 0

    desk.lock(fee_wei=gas_wei + market["message_fee_wei"] // 2, user=1)
    for _ in range(3):
        desk.turn()
    [last] = desk.rows("select state, reason from bridge.orders order by order_id desc limit 1")
    assert (last["state"], last["reason"]) == ("pending", "fee_below_cost")


def test_only_the_last_10_zksync_blocks_read(open_desk: OpenDesk) -> None:
    """However long nobody looked, an order is found, from the stored place on."""
    desk = open_desk()
    desk.minute()
    deposit = desk.lock()
    desk.world.l2.mine(500)

    assert desk.until("completed", deposit=deposit)["state"] == "completed"
    assert desk.held() == AMOUNT_WEI


def settle(desk: Desk, count: int) -> list[dict[str, Any]]:
    """Turns until all orders are completed; their rows."""
    for _ in range(60):
        rows = desk.rows("select * from bridge.orders order by order_id, generation")
        if len(rows) == count and {row["state"] for row in rows} == {"completed"}:
            return rows
        desk.turn(seconds=10.0)
    raise AssertionError([(row["order_id"], row["state"], row["reason"]) for row in rows])


def _owner(desk: Desk) -> str:
    return str(ask(desk.world.l1, desk.generation.registry, "owner")[0])


def _appoint(desk: Desk, owner: str, maker: str) -> None:
    """The registry's owner lets this one claim."""
    data = desk.generation.registry.data("setMarketMaker", maker)
    assert sent(desk.world.l1, owner, desk.generation.registry.address, data)["status"] == "0x1"
