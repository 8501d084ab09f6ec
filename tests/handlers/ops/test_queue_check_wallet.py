"""queue_check_wallet: books are opened, compared with the chain, and wallets kept above their floors."""

from collections.abc import Callable

import pytest

from functions.ops.queue_check_wallet import handler
from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.evm.transactions import TRANSFER_GAS
from kernel.outbox.evm import EvmIntent
from kernel.tasks import NotClaimed
from kernel.treasury.evm import ending_of
from tests.handlers.ops.purse import ETHER, HANDLERS, Purse, evm_chain, fund, on_chain

pytestmark = pytest.mark.chain
STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The alarms that rang."""
    return [record.alarm for record in caplog.records if hasattr(record, "alarm")]


def test_books_begin_with_what_a_final_block_shows(purse: Purse, anvil: AnvilNode, chain: str) -> None:
    """Before the first check there are none, and no transfer; an empty wallet's begin with nothing."""
    address, empty = purse.keep(chain), purse.keep(chain)
    fund(anvil, address, 10)
    for one in (address, empty):
        purse.declare(chain, one)
    early = purse.send("one", chain, address, STRANGER, 1)
    purse.run()

    wallet = purse.wallet(address)
    assert HANDLERS["ops.check_wallet"][0] is handler
    assert (early[0], early[1]["error"]["code"]) == (409, "wallet_not_open")
    assert (wallet["opened_balance_base_units"], wallet["verdict"]) == (str(10 * ETHER), "balanced")
    assert purse.balance(address) == -purse.balance(address, "outside") == 10 * ETHER
    assert purse.balance(empty) == 0
    assert purse.wallet(empty)["verdict"] == "balanced"


def test_money_from_outside_is_a_difference_until_a_person_books_it(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is alarmed once, booked once with the very amount, and balanced at the next check."""
    address = opened()
    fund(anvil, address, 12)
    verdicts = [purse.check(chain, address) for _ in range(2)]
    rung = alarms(caplog)
    shown = purse.wallet(address)
    path = f"/v1/ops/treasury/wallets/{chain}/{address}/differences"

    def book(key: str, amount: int) -> int:
        body = {"difference_base_units": str(amount), "reason": "a deposit of the owner"}
        return purse.call("http_treasury.difference", key=key, body=body, path=path)[0]

    wrong, booked, again, other_key = (
        book("d0", ETHER),
        book("d1", 2 * ETHER),
        book("d1", 2 * ETHER),
        book("d2", 2 * ETHER),
    )
    assert verdicts == ["difference"] * 2
    assert rung == ["treasury.difference"]
    assert (shown["difference_base_units"], shown["alarms"]) == (str(2 * ETHER), ["treasury.difference"])
    assert (wrong, booked, again, other_key) == (409, 200, 200, 409)
    assert purse.check(chain, address) == "balanced"
    assert purse.balance(address) == 12 * ETHER
    assert purse.wallet(address)["alarms"] == []


def test_money_that_left_by_another_hand_is_a_difference(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """Another program that holds the key spends; our books do not know of it, and say by how much."""
    address = opened()
    anvil.rpc("anvil_impersonateAccount", address)
    anvil.send(**{"from": address, "to": STRANGER, "value": hex(ETHER)})

    assert purse.check(chain, address) == "difference"
    assert int(purse.wallet(address)["difference_base_units"]) == on_chain(anvil, address) - 10 * ETHER < -ETHER


def test_a_mined_transfer_that_is_not_booked_yet_is_pending(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """On both sides; an hour of it is alarmed, and the alarm passes with it."""
    sender, recipient = opened(), opened()
    purse.send("one", chain, sender, recipient, ETHER)
    recorded = [purse.check(chain, one) for one in (sender, recipient)]
    purse.deliver(purse.due()[0]["id"])  # signed, sent and mined
    mined = [purse.check(chain, one) for one in (sender, recipient)]
    purse.clock.advance(3_600)
    purse.check(chain, sender)
    late = purse.wallet(sender)["alarms"]
    purse.run()

    assert recorded == ["balanced", "balanced"]
    assert mined == ["pending", "pending"]
    assert late == ["treasury.unsettled"]
    assert [purse.check(chain, one) for one in (sender, recipient)] == ["balanced"] * 2
    assert purse.wallet(sender)["alarms"] == []


def test_a_reading_of_an_earlier_block_is_compared_with_the_books_of_that_block(
    purse: Purse, anvil: AnvilNode, database_url: str, chain: str, opened: Callable[..., str]
) -> None:
    """What was booked after the final block is taken back, on both sides: balanced, to the wei."""
    sender, recipient = opened(), opened()
    behind = Purse(database_url, (evm_chain(anvil, confirmations=4),), purse.clock)
    anvil.mine(4)
    purse.send("one", chain, sender, recipient, ETHER)
    purse.run()  # booked with one confirmation: the block four back does not hold it

    assert on_chain(anvil, recipient) == 11 * ETHER
    assert [behind.check(chain, one) for one in (sender, recipient)] == ["balanced"] * 2
    behind.close()


def test_a_wallet_below_its_floor_is_topped_up_once(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    """To its target, from the wallet that funds it; not again while the first is on its way, and again when needed."""
    purse_wallet = opened(100)
    low = opened(1, floor=2 * ETHER, target=5 * ETHER, funded_by=purse_wallet)
    for _ in range(2):
        purse.check(chain, low)
    rung = alarms(caplog)
    purse.run()
    topped_up = purse.balance(low)
    purse.send("spend", chain, low, STRANGER, 4 * ETHER)
    purse.run()
    purse.check(chain, low)
    purse.run()
    purse.check(chain, low)

    keys = [f"top-up:{chain}:{low}:{number}" for number in (1, 2)]
    assert rung == ["treasury.below_floor"]
    assert topped_up == 5 * ETHER
    assert [purse.transfer(key)["kind"] for key in keys] == ["top_up"] * 2
    assert purse.balance(low) == on_chain(anvil, low) == 5 * ETHER
    assert purse.wallet(low)["alarms"] == []
    assert [purse.check(chain, one) for one in (low, purse_wallet)] == ["balanced"] * 2


def test_no_money_is_sent_to_a_wallet_that_differs_or_is_halted_or_from_one_that_is_low(
    purse: Purse, chain: str, anvil: AnvilNode, opened: Callable[..., str]
) -> None:
    """It is alarmed instead."""
    funder = opened(10, floor=8 * ETHER, target=8 * ETHER)
    thirsty = opened(1, floor=2 * ETHER, target=5 * ETHER, funded_by=funder)
    unfunded = purse.wallet(thirsty)["alarms"]
    rich = opened(100)
    purse.declare(chain, thirsty, floor=2 * ETHER, target=5 * ETHER, funded_by=rich)
    purse.call("http_treasury.halt", path="/v1/ops/services/bridge/halt")
    purse.check(chain, thirsty)
    halted = purse.wallet(thirsty)["alarms"]
    purse.call("http_treasury.halt", path="/v1/ops/services/bridge/resume")
    anvil.rpc("anvil_setBalance", thirsty, hex(ETHER // 2))
    purse.check(chain, thirsty)

    assert unfunded == ["treasury.below_floor", "treasury.top_up_unfunded"]
    assert halted == ["treasury.below_floor"]
    assert purse.wallet(thirsty)["alarms"] == ["treasury.below_floor", "treasury.difference"]
    with purse.kernel.postgres.transaction() as tx:
        assert tx.one("select count(*) as n from kernel.treasury_transfers")["n"] == 0


def test_what_a_service_spends_from_its_wallet_is_booked(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """Its own transactions, with their fees: at the next check, or at once where it tells the treasury; never twice."""
    address = opened()
    outbox = purse.deps.chains.evm_outbox(chain, address)

    def spend(key: str) -> None:
        intent = EvmIntent(
            business_key=key,
            service="bridge",
            chain_id=anvil.chain_id,
            signer=address,
            to=STRANGER,
            data=b"",
            value_wei=ETHER,
            gas_limit=TRANSFER_GAS,
        )
        with purse.kernel.postgres.transaction() as tx:
            outbox.record(tx, intent)

    for key, tells in (("quiet", False), ("telling", True)):
        spend(key)
        while not (entry := outbox.entry(key)) or not entry.settled:
            [record] = purse.kernel.tasks.about(key)
            purse.clock.advance(5)
            task = purse.kernel.tasks.claim(record.id, "w", 60)
            settled = (lambda tx, ended: purse.deps.ended(tx, ending_of(ended))) if tells else None
            assert not isinstance(task, NotClaimed)
            purse.kernel.tasks.finish(task.fence, outbox.advance(task.payload["entry_id"], task.fence, settled))
    in_between = purse.balance(address)
    verdicts = [purse.check(chain, address) for _ in range(2)]

    assert in_between > on_chain(anvil, address)
    assert verdicts == ["balanced"] * 2
    assert purse.balance(address) == on_chain(anvil, address)
    assert purse.balance(address, "fees") == 8 * ETHER - on_chain(anvil, address)


def test_books_do_not_begin_while_something_from_before_is_in_flight(
    purse: Purse, anvil: AnvilNode, chain: str
) -> None:
    """A transaction that the wallet owed before it was declared is waited for; then the books hold what is left."""
    address = purse.keep(chain)
    fund(anvil, address, 10)
    outbox = purse.deps.chains.evm_outbox(chain, address)
    intent = EvmIntent(
        business_key="earlier",
        service="bridge",
        chain_id=anvil.chain_id,
        signer=address,
        to=STRANGER,
        data=b"",
        value_wei=ETHER,
        gas_limit=TRANSFER_GAS,
    )
    with purse.kernel.postgres.transaction() as tx:
        outbox.record(tx, intent)
    purse.declare(chain, address)
    waiting = purse.check(chain, address)
    [record] = purse.kernel.tasks.about("earlier")
    for _ in range(4):
        purse.clock.advance(5)
        task = purse.kernel.tasks.claim(record.id, "w", 60)
        if isinstance(task, NotClaimed):
            break
        purse.kernel.tasks.finish(task.fence, outbox.advance(task.payload["entry_id"], task.fence))

    assert waiting is None
    assert [purse.check(chain, address) for _ in range(2)] == ["balanced"] * 2
    assert purse.balance(address) == on_chain(anvil, address)


def test_an_endpoint_that_stands_still_makes_no_difference(
    anvil: AnvilNode, fault_proxy: FaultProxy, database_url: str, chain: str
) -> None:
    """The block read is one that a quorum has; what is booked after it is taken back."""
    purse = Purse(database_url, (evm_chain(anvil, *fault_proxy.urls),))
    address = purse.keep(chain)
    fund(anvil, address, 10)
    purse.declare(chain, address)
    purse.run()
    head = int(anvil.rpc("eth_blockNumber"), 16)
    purse.send("one", chain, address, STRANGER, ETHER)
    purse.run()
    fault_proxy["primary"].inject(stale_head=head)

    assert purse.check(chain, address) == "balanced"
    assert purse.wallet(address)["read_block"] == head
    assert purse.balance(address) == on_chain(anvil, address) < 9 * ETHER
    purse.close()
