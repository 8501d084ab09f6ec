"""queue_submit_solana_transaction: a transfer of lamports lands once, and its end and fee are booked to the lamport."""

from collections.abc import Callable

import pytest

from functions.ops.queue_submit_solana_transaction import handler
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from tests.handlers.ops.purse import HANDLERS, LOCALNET, Purse, code

pytestmark = pytest.mark.chain
CHAIN = LOCALNET
STRANGER = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"


@pytest.fixture
def node(paused_solana: SolanaNode) -> SolanaNode:
    return paused_solana


@pytest.fixture
def purse(solana_purse: Purse) -> Purse:
    return solana_purse


@pytest.fixture
def opened(opened_on_solana: Callable[[], str]) -> Callable[[], str]:
    return opened_on_solana


def test_a_transfer_is_booked_to_the_lamport(purse: Purse, node: SolanaNode, opened: Callable[[], str]) -> None:
    """When it is asked for and when it ends; in the end books and chain agree."""
    sender = opened()
    status, asked = purse.send("one", CHAIN, sender, STRANGER, 3 * LAMPORTS_PER_SOL)
    meanwhile = (purse.balance(sender), purse.balance(sender, "in_transit"))
    purse.run(mine=lambda: node.mine(20))

    ended = purse.transfer("one")
    fee = int(ended["fee_base_units"])
    reserve = meanwhile[1] - 3 * LAMPORTS_PER_SOL
    assert HANDLERS["ops.submit_solana_transaction"][0] is handler
    assert (status, asked["state"], ended["state"]) == (202, "open", "confirmed")
    assert meanwhile[0] == 7 * LAMPORTS_PER_SOL - reserve
    assert 5_000 <= fee <= reserve
    assert node.balance(STRANGER, "finalized") == 3 * LAMPORTS_PER_SOL
    assert purse.balance(sender) == node.balance(sender, "finalized") == 7 * LAMPORTS_PER_SOL - fee
    assert (purse.balance(sender, "in_transit"), purse.balance(sender, "fees")) == (0, fee)
    assert purse.check(CHAIN, sender) == "balanced"


def test_a_transfer_that_nothing_can_pay_for_ends_when_it_is_withdrawn(
    purse: Purse, node: SolanaNode, opened: Callable[[], str]
) -> None:
    """It has no end of its own; withdrawn it is signed no more, and is back in the account once its bytes are dead."""
    sender = opened()
    node.fund(sender, 0)
    node.finalize()
    purse.send("one", CHAIN, sender, STRANGER, 3 * LAMPORTS_PER_SOL)
    [task] = purse.due()
    for _ in range(2):
        purse.deliver(task["id"])
        node.expire()
        purse.clock.advance(60)
    asked = purse.call("http_treasury.withdraw")
    again = purse.call("http_treasury.withdraw")
    purse.run(mine=node.expire)

    assert [202, 202] == [asked[0], again[0]]
    assert "cancelled" == purse.transfer("one")["state"]
    assert (10 * LAMPORTS_PER_SOL, 0) == (purse.balance(sender), purse.balance(sender, "in_transit"))
    assert ["outbox.withdraw"] == [act.action for act in purse.deps.audit.newest(subject="treasury/one")]
    assert (409, "obligation_settled") == code(purse.call("http_treasury.withdraw"))


def test_transfers_in_flight_are_pending_and_then_balanced(
    purse: Purse, node: SolanaNode, opened: Callable[[], str]
) -> None:
    """Ten at once, between wallets and to a stranger; a lamport from outside is a difference all the same."""
    sender, recipient = opened(), opened()
    for number in range(10):
        purse.send(f"n{number}", CHAIN, sender, recipient if number % 2 else STRANGER, LAMPORTS_PER_SOL // 10 + number)
    seen: list[str | None] = []

    def look() -> None:
        node.mine(10)
        seen.extend((purse.check(CHAIN, sender), purse.check(CHAIN, recipient)))

    purse.run(mine=look)
    seen += [purse.check(CHAIN, sender), purse.check(CHAIN, recipient)]
    node.fund(recipient, node.balance(recipient) + 1)
    node.finalize()

    assert {purse.transfer(f"n{number}")["state"] for number in range(10)} == {"confirmed"}
    assert set(seen) == {"balanced", "pending"}
    assert seen[-2:] == ["balanced", "balanced"]
    assert purse.balance(recipient) == node.balance(recipient, "finalized") - 1
    assert purse.check(CHAIN, recipient) == "difference"
    assert purse.wallet(recipient)["difference_base_units"] == "1"
