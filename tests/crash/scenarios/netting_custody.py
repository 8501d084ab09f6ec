"""A withdrawal: offered, signed by its wallet, reserved, co-signed, landed and seen; or too late for that."""

from base64 import b64decode

from functions.netting.adapters.close_steps import CLOSE
from functions.netting.adapters.obligations import SUBMIT
from functions.netting.adapters.transfers_seen import KIND as SEEN
from functions.netting.adapters.wallet_views import offer_view
from functions.netting.core.books import wallet_account
from infra.local.netting.wallets import Wallet
from kernel.solana.messages import required_signers
from tests.crash.harness.netting_desk import BLOCKS, DEPLOYED, FUNDS_LAMPORTS, NettingDesk
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served
from tests.crash.harness.world import World

AMOUNT_LAMPORTS = 4_000_000_000


def withdraw(desk: NettingDesk) -> None:
    """What the wallet's owner does, and does again without an answer: ask under one key, sign, hand back."""
    custody = desk.deps.wallets.custody
    offer = custody.withdraw_funds(desk.seller.address, AMOUNT_LAMPORTS, "my-withdrawal")
    shown = offer_view(offer, desk.world.clock.now())
    custody.confirm(offer.id, _signed(b64decode(shown.transaction), desk.seller))


def work(desk: NettingDesk) -> None:
    """Do the tasks until none is open; some blocks come whenever all wait."""
    served = {kind: Served(kind, desk.deps) for kind in (SUBMIT, SEEN, CLOSE)}
    desk.world.work(served, meanwhile=lambda: desk.node.mine(BLOCKS))


def open_the_market(world: World) -> None:
    """A wallet with funds in a program of this run's own."""
    NettingDesk(world).open()


@scenario("netting-withdrawal", solana=DEPLOYED)
def netting_withdrawal(world: World) -> None:
    """It lands, and the cursor reads that it did."""
    desk = NettingDesk(world)
    world.ask(lambda: withdraw(desk))
    work(desk)
    world.once("the withdrawal is final", desk.node.finalize)
    desk.listen()
    work(desk)


netting_withdrawal.beginning(open_the_market)


@netting_withdrawal.verdict
def paid_once_and_free_again(world: World) -> None:
    """The funds have left once, by bytes that were signed once; mirror and books say so; nothing is reserved."""
    desk = NettingDesk(world)
    paid = _states(world) == ["settled"]
    assert paid or not world.caller_returns, _states(world)
    _left(world, desk, FUNDS_LAMPORTS - AMOUNT_LAMPORTS * paid)
    signed = world.rows(
        "select ordinal from kernel.solana_payloads join kernel.solana_outbox o on o.id = entry_id"
        " where o.given_message is not null"
    )
    assert len(signed) == paid, signed


@scenario("netting-withdrawal-late", solana=DEPLOYED)
def netting_withdrawal_late(world: World) -> None:
    """Its blockhash is gone before anybody of ours has signed it, or sent what was signed."""
    desk = NettingDesk(world)
    world.ask(lambda: withdraw(desk))
    world.once("the blockhash expires", desk.node.expire)
    work(desk)


netting_withdrawal_late.beginning(open_the_market)


@netting_withdrawal_late.verdict
def nothing_left_and_nothing_is_reserved(world: World) -> None:
    """It never happened, and the wallet has its funds as before."""
    states = _states(world)
    assert states == ["expired"] or not world.caller_returns, states
    _left(world, NettingDesk(world), FUNDS_LAMPORTS)


def _states(world: World) -> list[str]:
    """Of what was handed back; an offer that nobody signed is nothing."""
    rows = world.rows("select state from netting.wallet_transactions where state <> 'offered'")
    return [row["state"] for row in rows]


def _left(world: World, desk: NettingDesk, lamports: int) -> None:
    wallet = desk.seller.address
    assert desk.market.locked()[wallet] == lamports, desk.market.locked()
    balances = world.rows("select wallet, locked_lamports from netting.wallet_balances")
    assert {row["wallet"]: row["locked_lamports"] for row in balances}[wallet] == lamports, balances
    books = world.rows(f"select balance from kernel.ledger_accounts where name = '{wallet_account(wallet)}'")
    assert [int(row["balance"]) for row in books] == [lamports], books
    assert world.rows("select * from netting.reservations") == []


def _signed(raw: bytes, wallet: Wallet) -> bytes:
    """The offered transaction with the wallet's signature in its place."""
    message = raw[1 + 64 * raw[0] :]
    at = 1 + 64 * required_signers(message).index(wallet.address)
    return raw[:at] + wallet.signer.sign_message(message) + raw[at + 64 :]
