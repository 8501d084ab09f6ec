"""queue_submit_evm_transaction: a transfer goes onto the chain once, and its end and its fee are booked to the wei."""

from collections.abc import Callable

import pytest

from functions.ops.queue_submit_evm_transaction import handler
from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.keys.evm import LocalSigner
from kernel.keys.external import payloads_of
from tests.handlers.ops.purse import ETHER, GWEI, HANDLERS, Purse, evm_chain, fund, on_chain

pytestmark = pytest.mark.chain
STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
RESERVE = 21_000 * 200 * GWEI
L1_FEE = 123_456_789_012_345


def test_a_transfer_is_booked_when_asked_for_and_when_it_ends(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """Meanwhile its amount and the largest fee are in transit; in the end books and chain agree to the wei."""
    sender, before = opened(), on_chain(anvil, STRANGER)
    status, asked = purse.send("one", chain, sender, STRANGER, 3 * ETHER)
    meanwhile = (purse.balance(sender), purse.balance(sender, "in_transit"))
    purse.run()

    ended = purse.transfer("one")
    fee = int(ended["fee_base_units"])
    assert HANDLERS["ops.submit_evm_transaction"][0] is handler
    assert (status, asked["state"], ended["state"]) == (202, "open", "confirmed")
    assert meanwhile == (7 * ETHER - RESERVE, 3 * ETHER + RESERVE)
    assert on_chain(anvil, STRANGER) - before == 3 * ETHER
    assert purse.balance(sender) == on_chain(anvil, sender) == 7 * ETHER - fee
    assert (purse.balance(sender, "in_transit"), purse.balance(sender, "fees")) == (0, fee)
    assert purse.check(chain, sender) == "balanced"


def test_a_transfer_that_reverts_costs_its_fee_and_nothing_else(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """The amount is back in the wallet; the gas is paid."""
    sender = opened()
    anvil.rpc("anvil_setCode", STRANGER, "0x5b600056")  # burns all gas
    purse.send("one", chain, sender, STRANGER, ETHER)
    purse.run()

    ended = purse.transfer("one")
    fee = int(ended["fee_base_units"])
    assert (ended["state"], fee > 0) == ("failed", True)
    assert purse.balance(sender) == on_chain(anvil, sender) == 10 * ETHER - fee
    assert purse.balance(sender, "fees") == fee
    assert purse.check(chain, sender) == "balanced"


def test_what_an_op_stack_chain_takes_beside_the_gas_is_booked(
    anvil: AnvilNode, fault_proxy: FaultProxy, database_url: str, chain: str
) -> None:
    """Its receipts tell the fee for the chain below; books that knew the gas alone would differ with each transfer."""
    purse = Purse(database_url, (evm_chain(anvil, *fault_proxy.urls, l1_fee_max_wei=2 * L1_FEE),))
    sender = purse.keep(chain)
    fund(anvil, sender, 10)
    purse.declare(chain, sender)
    purse.run()
    fault_proxy.inject(l1_fee_wei=L1_FEE)
    purse.send("one", chain, sender, STRANGER, 3 * ETHER)
    reserved = purse.balance(sender, "in_transit") - 3 * ETHER
    purse.run()
    anvil.rpc("anvil_setBalance", sender, hex(on_chain(anvil, sender) - L1_FEE))  # as such a chain does by itself

    fee = int(purse.transfer("one")["fee_base_units"])
    assert RESERVE + 2 * L1_FEE == reserved
    assert L1_FEE + 21_000 * GWEI <= fee
    assert on_chain(anvil, sender) == purse.balance(sender) == 7 * ETHER - fee
    assert "balanced" == purse.check(chain, sender)
    purse.close()


def test_a_transfer_that_is_withdrawn_in_flight_gives_its_nonce_to_nothing(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """Signed and sent, not mined: the cancellation takes its place, at its own fee."""
    sender, before = opened(), on_chain(anvil, STRANGER)
    anvil.rpc("evm_setAutomine", False)
    purse.send("one", chain, sender, STRANGER, 3 * ETHER)
    [task] = purse.due()
    purse.deliver(task["id"])
    asked = purse.call("http_treasury.withdraw")
    purse.clock.advance(60)
    purse.deliver(task["id"])
    anvil.rpc("evm_setAutomine", True)
    anvil.mine(2)
    purse.run()

    ended = purse.transfer("one")
    assert (202, {"business_key": "treasury/one", "state": "broadcast"}) == asked
    assert ("cancelled", before) == (ended["state"], on_chain(anvil, STRANGER))
    assert purse.balance(sender) == on_chain(anvil, sender) == 10 * ETHER - int(ended["fee_base_units"])
    assert "balanced" == purse.check(chain, sender)


def test_what_is_withdrawn_in_time_is_never_signed(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """The nonce is used up by the cancellation, so that nothing behind it waits."""
    sender, before = opened(), on_chain(anvil, STRANGER)
    purse.send("one", chain, sender, STRANGER, 3 * ETHER)
    purse.call("http_treasury.withdraw")
    purse.send("two", chain, sender, STRANGER, ETHER)
    purse.run()

    assert ["cancelled", "confirmed"] == [purse.transfer(key)["state"] for key in ("one", "two")]
    assert ETHER == on_chain(anvil, STRANGER) - before
    assert purse.balance(sender) == on_chain(anvil, sender)


def test_a_transfer_between_wallets_moves_from_account_to_account(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """Nothing has gone outside."""
    sender, recipient = opened(), opened(1)
    outside = purse.balance(sender, "outside")
    purse.send("one", chain, sender, recipient, 2 * ETHER)
    purse.run()

    assert purse.balance(recipient) == on_chain(anvil, recipient) == 3 * ETHER
    assert purse.balance(sender, "outside") == outside
    assert [purse.check(chain, one) for one in (sender, recipient)] == ["balanced"] * 2


def test_every_message_twice_is_booked_once(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """A second delivery of anything changes nothing."""
    sender = opened()
    purse.send("one", chain, sender, STRANGER, ETHER)
    purse.send("one", chain, sender, STRANGER, ETHER)
    [task] = purse.due()
    purse.run()
    again = purse.deliver(task["id"])

    assert again.state == "done"
    assert purse.balance(sender) == on_chain(anvil, sender)
    assert int(anvil.rpc("eth_getTransactionCount", sender, "latest"), 16) == 1


def test_a_halted_treasury_signs_nothing_new(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """What was recorded before the halt waits, in transit, and goes out when it is resumed."""
    sender = opened()
    purse.send("one", chain, sender, STRANGER, ETHER)
    purse.call("http_treasury.halt", path="/v1/ops/services/ops/halt")
    [task] = purse.due()
    waiting = purse.deliver(task["id"])
    refused = purse.send("two", chain, sender, STRANGER, ETHER)
    sent = int(anvil.rpc("eth_getTransactionCount", sender, "pending"), 16)
    purse.call("http_treasury.halt", path="/v1/ops/services/ops/resume")
    purse.run()

    assert (waiting.state, sent) == ("ready", 0)
    assert (refused[0], refused[1]["error"]["code"]) == (503, "service_halted")
    assert purse.transfer("one")["state"] == "confirmed"
    assert purse.balance(sender) == on_chain(anvil, sender)


def test_fifty_transfers_are_reconciled_at_every_moment(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """While they are in flight the books are brought back to the block of the reading: balanced or pending."""
    sender = opened()
    for number in range(50):
        purse.send(f"n{number}", chain, sender, STRANGER, ETHER // 1_000 + number)
    seen: list[str | None] = []
    purse.run(mine=lambda: seen.append(purse.check(chain, sender)))
    seen.append(purse.check(chain, sender))

    states = {purse.transfer(f"n{number}")["state"] for number in range(50)}
    assert states == {"confirmed"}
    assert (set(seen) <= {"balanced", "pending"}, seen[-1]) == (True, "balanced")
    assert purse.balance(sender) == on_chain(anvil, sender)
    assert purse.balance(sender, "in_transit") == 0


def test_a_wallet_whose_key_nobody_keeps_is_signed_for_by_its_owner(purse: Purse, anvil: AnvilNode, chain: str) -> None:
    """The transfer waits in the list of open signatures; signed there, it goes out and is booked like any other."""
    owner = LocalSigner(bytes([7] * 32))
    fund(anvil, owner.address, 10)
    purse.declare(chain, owner.address)
    purse.run()
    purse.send("one", chain, owner.address, STRANGER, ETHER)
    [task] = purse.due()
    waiting = purse.deliver(task["id"])
    [request] = purse.deps.signatures.waiting()
    v, r, s = owner.sign_digest(request.digest)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
    purse.deps.signatures.sign(request.id, "0x" + signature.hex(), payloads_of, actor="the owner")
    purse.run()

    assert waiting.state == "ready"
    assert purse.transfer("one")["state"] == "confirmed"
    assert purse.balance(owner.address) == on_chain(anvil, owner.address) < 9 * ETHER


def test_a_nonce_that_nobody_would_use_does_not_stop_the_wallet(
    purse: Purse, anvil: AnvilNode, chain: str, opened: Callable[..., str]
) -> None:
    """A gap below the transfer's nonce is filled by this very handler, though the filler is no transfer of ours."""
    sender = opened()
    with purse.kernel.postgres.transaction() as tx:
        tx.execute("update kernel.evm_nonces set next_nonce = 1 where signer = %(signer)s", signer=sender)
    purse.send("one", chain, sender, STRANGER, ETHER)
    purse.run()

    assert purse.transfer("one")["state"] == "confirmed"
    assert int(anvil.rpc("eth_getTransactionCount", sender, "latest"), 16) == 2
    assert purse.check(chain, sender) == "balanced"
    assert purse.balance(sender) == on_chain(anvil, sender)
