"""What a message leaves of its fee comes back on L2: found, shared by its orders, and in the books to the wei."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.bridge.core.books import FEES, MESSAGES, REFUNDED
from functions.bridge.core.escrow import L2_ETHER
from functions.bridge.core.order import OrderKey
from infra.local.bridge.world import ORIGIN
from infra.local.flare.accounts import dev_account
from infra.local.flare.contracts import Contract, artifact
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from tests.chain.bridge.desk import AMOUNT_WEI, ETHER, FEE_WEI, Desk
from tests.chain.bridge.scene import STRANGER
from tests.integration.bridge.house import L1, L2

pytestmark = pytest.mark.chain
OpenDesk = Callable[..., Desk]
ELSEWHERE = dev_account("bridge", "refunds").address


def balances(desk: Desk) -> dict[tuple[str, str], int]:
    """The books."""
    rows = desk.rows("select name, asset, balance from kernel.ledger_accounts")
    return {(row["name"], row["asset"].removesuffix(":native")): int(row["balance"]) for row in rows}


def verdict(desk: Desk, chain: str = L2) -> str:
    """What the treasury says of our wallet."""
    desk.mine(3)
    found = desk.check(chain)
    assert found is not None
    return found.verdict


def profits(desk: Desk) -> tuple[int, int]:
    """All of it, as the books have it; the sum of what each order shows of itself."""
    overview = desk.deps.overview
    shown = [overview.trace(order.key, None).profit for order in stored_orders(desk)]
    return int(overview.profit_and_loss(None, None).profit_wei), sum(int(one.profit_wei) for one in shown)


def stored_orders(desk: Desk) -> list[Any]:
    with desk.office.transaction() as tx:
        ids = [int(row["order_id"]) for row in tx.all("select order_id from bridge.orders order by 1")]
        return [desk.deps.orders.generations(tx, OrderKey(ORIGIN, one))[-1] for one in ids]


def give(desk: Desk, amount_wei: int) -> None:
    """A stranger has L2 make ether for our account, by no message of the registry's."""
    desk.world.l2.rpc("anvil_setBalance", STRANGER, hex(10**20))
    desk.world.l2.rpc("anvil_impersonateAccount", STRANGER)
    data = Contract(L2_ETHER, artifact("BaseToken", "bridge")).data("mint", desk.settings.signer)
    desk.world.l2.send(**{"from": STRANGER, "to": L2_ETHER, "value": hex(amount_wei), "data": "0x" + data.hex()})


def test_what_comes_back_of_a_message_is_booked(open_desk: OpenDesk) -> None:
    """Both wallets are balanced to the wei, and the order's profit is the books' and the chains'."""
    desk = open_desk()
    maker = desk.settings.signer
    before = {chain: desk.held_on(chain, maker) for chain in (L1, L2)}
    desk.lock()
    desk.until("completed")
    held = balances(desk)

    assert ["balanced", "balanced"] == [verdict(desk, L1), verdict(desk)]
    refund = -held[REFUNDED, L2]
    assert 0 < refund < held[MESSAGES, L1]
    assert AMOUNT_WEI + FEE_WEI + refund == held[f"bridge:wallet:{maker}", L2] == desk.held_on(L2, maker)
    came = sum(desk.held_on(chain, maker) - before[chain] for chain in before)
    assert came == FEE_WEI - held[FEES, L1] - held[MESSAGES, L1] + refund
    assert (came, came) == profits(desk)


def test_orders_of_one_message_share_what_comes_back(open_desk: OpenDesk) -> None:
    """It is booked once, whichever of them closes first."""
    desk = open_desk()
    desk.settings = desk.settings.model_copy(update={"claim_every_s": 120})
    desk.deps = desk._container()
    deposits = [desk.lock(user=user) for user in range(3)]
    for deposit in deposits:
        desk.until("completed", deposit=deposit)

    assert 1 == len(desk.rows("select 1 from bridge.order_transfers where purpose = 'claim' group by transfer"))
    assert 1 == len(desk.rows("select 1 from bridge.refunds"))
    whole, parts = profits(desk)
    assert whole == parts
    assert "balanced" == verdict(desk)


def test_a_repayment_that_is_not_booked_yet_is_no_difference(open_desk: OpenDesk) -> None:
    """Between the escrow's block and the closing the chain holds more than the books: that is expected, and pends."""
    desk = open_desk()
    desk.lock()
    desk.until("proved")
    desk.mine()
    desk.relayer.turn()
    early = verdict(desk)
    maker = desk.settings.signer
    desk.world.l2.rpc("anvil_setBalance", maker, hex(desk.held_on(L2, maker) + ETHER))
    gift = verdict(desk)
    desk.world.l2.rpc("anvil_setBalance", maker, hex(desk.held_on(L2, maker) - ETHER))
    desk.until("completed")

    assert ("pending", "difference", "balanced") == (early, gift, verdict(desk))
    assert [] == desk.rows("select 1 from kernel.treasury_arrivals where arrived_at is null")


def test_a_message_that_failed_gives_back_too(open_desk: OpenDesk) -> None:
    """Its gas did not suffice; the order is claimed again, and both refunds are found. A stranger's gift is not."""
    desk = open_desk()
    desk.configure(message_gas_limit=30_000)
    desk.lock()
    desk.until("proved")
    desk.turn()
    give(desk, 12_345)
    desk.configure(message_gas_limit=1_000_000)
    desk.clock.advance(desk.settings.message_timeout_s + 60)
    desk.until("completed", seconds=30.0)

    assert 2 == len(desk.rows("select 1 from bridge.refunds"))
    found = desk.check(L2)
    assert found is not None
    assert ("difference", 12_345) == (found.verdict, found.amount)


def test_refunds_may_go_to_another_account(open_desk: OpenDesk) -> None:
    """As the registry names it to the mailbox; it is a wallet of its own, and balanced, too."""
    desk = open_desk()
    desk.configure(refund_account=ELSEWHERE)
    treasury = Treasury(desk.office, desk._desk, desk.clock)
    wallet = OperatorWallet(service="bridge", chain=L2, address=ELSEWHERE, floor=0, target=0)
    treasury.declare(wallet, actor="a test", reason="a test")
    desk.checks.check(L2, ELSEWHERE)
    desk.relayer.refunds_to = ELSEWHERE
    desk.lock()
    desk.until("completed")
    desk.mine(3)
    held = balances(desk)

    verdicts = [desk.checks.check(L2, address) for address in (ELSEWHERE, desk.settings.signer)]
    assert ["balanced", "balanced"] == [one and one.verdict for one in verdicts]
    assert 0 < held[f"bridge:wallet:{ELSEWHERE}", L2] == -held[REFUNDED, L2]
    assert AMOUNT_WEI + FEE_WEI == held[f"bridge:wallet:{desk.settings.signer}", L2]


def test_what_comes_back_to_nobodys_wallet_is_in_no_books(open_desk: OpenDesk) -> None:
    """The treasury does not keep it: it is the operator's own business."""
    desk = open_desk()
    desk.configure(refund_account=ELSEWHERE)
    desk.relayer.refunds_to = ELSEWHERE
    desk.lock()
    desk.until("completed")

    assert (REFUNDED, L2) not in balances(desk)
    assert "balanced" == verdict(desk)
