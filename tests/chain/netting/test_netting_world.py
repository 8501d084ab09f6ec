"""The local world of netting: what is on the node, what the tables say of it, and that its program is the real one."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.netting.core.books import OUTSIDE, wallet_account
from infra.local.anvil import RpcRefused
from infra.local.netting.permits import permit
from infra.local.netting.records import ASSET, CHAIN
from infra.local.netting.world import World
from kernel.ledger import Ledger
from kernel.postgres import Postgres
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.chain

SOL = 10**9


def test_the_tables_mirror_the_node(known_world: World, kernel: FakedKernel, database_url: str) -> None:
    """Funds, owners, sessions and books are what the program's accounts say; the authority's books are open, too."""
    postgres = Postgres(database_url)
    with postgres.transaction() as tx:
        balances = {row["wallet"]: row["locked_lamports"] for row in tx.all("select * from netting.wallet_balances")}
        items = {row["item_id"]: row["owner"] for row in tx.all("select * from netting.item_ownership")}
        sessions = {row["key"] for row in tx.all("select key from netting.session_keys where state = 'active'")}
        books = {wallet: Ledger(kernel.clock).balance(tx, wallet_account(wallet), ASSET) for wallet in balances}
        outside = Ledger(kernel.clock).balance(tx, OUTSIDE, ASSET)
        [wallet] = tx.all("select chain, address, opened_balance from kernel.treasury_wallets")
    postgres.close()

    assert known_world.locked("finalized") == balances
    assert known_world.owners("finalized") == items
    assert {one.session.address for one in known_world.wallets} == sessions
    assert balances == books
    assert -sum(balances.values()) == outside
    assert (CHAIN, known_world.authority.address) == (wallet["chain"], wallet["address"])
    assert known_world.node.balance(known_world.authority.address) == wallet["opened_balance"]


def test_funds_come_back_with_the_authority_alone(world: World) -> None:
    """A wallet's own signature is not enough before ten minutes; with the authority's the lamports come back."""
    wallet, program, authority = world.wallets[0], world.program, world.authority
    before = world.node.balance(wallet.address)
    alone = program.withdraw(wallet.address, SOL, authority.address, signs=False)
    with pytest.raises(RpcRefused, match="0x1779"):  # TOO_EARLY, 6009
        world.do([alone], wallet)
    world.do([program.withdraw(wallet.address, SOL, authority.address)], wallet, authority)

    assert 9 * SOL == world.locked()[wallet.address]
    assert before + SOL - 10_000 == world.node.balance(wallet.address)  # two signatures


def test_an_item_comes_back_to_its_owner(world: World) -> None:
    """Its token leaves the escrow, and its account is gone."""
    piece = world.pieces[0]
    call = world.program.withdraw_item(piece.number, piece.owner.address, piece.mint, world.authority.address)
    world.do([call], piece.owner, world.authority)

    assert world.item(piece.number) is None
    assert piece.item_id not in world.owners()


def test_a_session_key_is_registered_for_what_its_owner_signed(world: World) -> None:
    """A call for more than the text allows is refused."""
    wallet = replace(world.wallets[0], session=world.wallets[1].session)
    allowed = permit(wallet, max_volume_lamports=SOL, expires_at=int(time.time()) + 3_600)
    forged = replace(allowed, max_volume_lamports=2 * SOL)
    with pytest.raises(RpcRefused, match="0x177d"):  # NOT_SIGNED, 6013
        world.register(forged)
    world.register(allowed)


def test_a_market_of_ones_own(start_netting_world: Callable[..., World]) -> None:
    """Any number of wallets and items; some wallets with nothing locked."""
    world = start_netting_world(wallets=3, items=0, funds=lambda number: number * SOL)

    assert [0, SOL, 2 * SOL] == [world.locked()[wallet.address] for wallet in world.wallets]
    assert {} == world.owners()
