"""What an expired withdrawal held: free once the chain was read after its death."""

from collections.abc import Iterator

import pytest

from kernel.jsonrpc.quorum import NoQuorum
from kernel.outbox.solana import State
from tests.handlers.netting.teller import SOL, WALLET, Teller

pytestmark = pytest.mark.handlers


@pytest.fixture
def teller(database_url: str) -> Iterator[Teller]:
    teller = Teller(database_url)
    teller.fund(WALLET, 10 * SOL)
    teller.item("sword", WALLET)
    yield teller
    teller.close()


def expired(teller: Teller, what: str, **body: str) -> None:
    """A withdrawal of which nothing can land under the name that we know."""
    _, offer = teller.ask(what, WALLET, **body)
    teller.confirm(offer, WALLET)
    teller.end(f"netting:wallet:{offer['id']}", State.CANCELLED)


def locked(teller: Teller) -> int:
    [row] = teller.rows("select locked_lamports from netting.wallet_balances")
    return int(row["locked_lamports"])


def test_funds_are_free_with_the_reading_that_says_what_is_left(teller: Teller) -> None:
    """Here the withdrawal has happened under another name."""
    expired(teller, "funds/withdraw", amount_lamports=str(4 * SOL))
    teller.cluster.keep_ledger(teller.deps.calls.ledger(WALLET.address), WALLET, 6 * SOL)

    assert (["done"], [], 6 * SOL) == (teller.close_withdrawals(), teller.reserved(), locked(teller))


def test_an_item_that_is_gone_is_nobodys(teller: Teller) -> None:
    """Its account is not there any more."""
    expired(teller, "items/withdraw", item_id="sword")

    assert (["done"], []) == (teller.close_withdrawals(), teller.reserved())
    assert [None] == [row["owner"] for row in teller.rows("select owner from netting.item_ownership")]


def test_while_the_chain_cannot_be_read_all_stays_held(teller: Teller) -> None:
    """However long that takes; a second delivery changes nothing."""
    expired(teller, "funds/withdraw", amount_lamports=str(SOL))
    teller.cluster.away = NoQuorum(chain="solana:localnet", method="getSlot", needed=2, answered=1)
    states = [*teller.close_withdrawals(), *teller.close_withdrawals()]

    assert (["ready", "ready"], [WALLET.address]) == (states, teller.reserved())
