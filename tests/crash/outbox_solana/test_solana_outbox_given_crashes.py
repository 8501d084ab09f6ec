"""The process dies while it passes on what a wallet has made and signed; the message lands once, or never can."""

import pytest

from kernel.outbox.solana import SolanaOutbox, State
from tests.chain.outbox_solana.desk import Desk, DyingPool
from tests.chain.outbox_solana.wallets import Wallet
from tests.chain.workbench import Died

pytestmark = pytest.mark.crash


@pytest.fixture
def wallet(desk: Desk) -> Wallet:
    return Wallet(desk)


def die(desk: Desk, key: str, *, after_sending: bool) -> None:
    dying: SolanaOutbox = desk.outbox(pool=DyingPool(desk.urls, desk.clock, after_sending=after_sending))
    with pytest.raises(Died):
        desk.step(key, dying)


@pytest.mark.parametrize("after_sending", [False, True])
def test_death_after_co_signing(desk: Desk, wallet: Wallet, after_sending: bool) -> None:
    """Our signature is stored before it leaves: the next holder sends the same bytes, and signs nothing."""
    given = wallet.pass_on("pass-1", co_signed=True)
    die(desk, "pass-1", after_sending=after_sending)
    stored = desk.entry("pass-1")
    entry = desk.settle("pass-1")

    assert (State.SIGNED, None) == (stored.state, stored.payloads[0].sent_at)
    assert (State.CONFIRMED, 1, 1) == (entry.state, len(entry.payloads), desk.effects("pass-1"))
    assert entry.payloads[0].raw.endswith(given.message)


@pytest.mark.parametrize(("after_sending", "state", "effects"), [(False, "cancelled", 0), (True, "confirmed", 1)])
def test_death_after_co_signing_until_the_blockhash_has_expired(
    desk: Desk, wallet: Wallet, after_sending: bool, state: str, effects: int
) -> None:
    """Nobody came for minutes. What went out is found, what did not is proven dead; neither is signed anew."""
    wallet.pass_on("pass-1", co_signed=True)
    die(desk, "pass-1", after_sending=after_sending)
    desk.node.expire()
    entry = desk.settle("pass-1")

    assert (state, 1, effects) == (entry.state, len(entry.payloads), desk.effects("pass-1"))


def test_death_while_the_wallet_sends_by_itself(desk: Desk, wallet: Wallet) -> None:
    """Recorded here, sent there, and the worker dies: the next one finds it by its signature."""
    given = wallet.pass_on("pass-1", co_signed=False)
    die(desk, "pass-1", after_sending=False)
    signed = wallet.send_alone(given)
    desk.node.expire()
    entry = desk.settle("pass-1")

    assert (State.CONFIRMED, signed.signature, 1) == (entry.state, entry.signature, desk.effects("pass-1"))
