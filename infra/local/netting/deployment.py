"""Deploys a world: the program with its authority, funds in ledgers, items in escrow, session keys registered."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from infra.local import solana
from infra.local.children import Children
from infra.local.netting.minting import mint_one, open_token_account
from infra.local.netting.permits import permit
from infra.local.netting.program import Program
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import Piece, World
from infra.local.settings import ROOT
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58

CODE: Final = ROOT / "infra/contracts/artifacts/netting/netting.so"
PROGRAM: Final = Program(base58.encode(b"\7" * 32))
#: What everybody has beside the funds that they lock.
WALLET_LAMPORTS: Final = 100 * LAMPORTS_PER_SOL
AUTHORITY_LAMPORTS: Final = 1_000 * LAMPORTS_PER_SOL
FUNDS_LAMPORTS: Final = 10 * LAMPORTS_PER_SOL
VOLUME_LAMPORTS: Final = 1_000 * LAMPORTS_PER_SOL
SESSION_S: Final = 7 * 86_400
ROYALTY_BPS: Final = 250


def start_world(
    children: Children,
    *,
    wallets: int = 5,
    items: int = 8,
    funds: Callable[[int], int] = lambda _: FUNDS_LAMPORTS,
    royalties: Callable[[int], int] = lambda number: ROYALTY_BPS if number % 4 == 0 else 0,
    name: str = "netting",
    paused: bool = False,
    **options: Any,
) -> World:
    """Start a node and deploy (0.5 s); options as of `infra.local.solana.start`.

    funds: what the wallet of a number locks, in lamports; 0 opens its ledger only. royalties: of the item of a number,
    in hundredths of a percent; an item that has some has a creator. The items go round among the wallets.
    """
    options["deploy"] = {PROGRAM.address: CODE, **options.get("deploy", {})}
    options.setdefault("payer_secret", _pair(Wallet.named("payer")))
    node = solana.start(children, name=name, paused=True, **options)
    world = World(
        node=node,
        program=PROGRAM,
        payer=Wallet.named("payer"),
        authority=Wallet.named("authority"),
        fee_wallet=Wallet.named("fees"),
        wallets=tuple(Wallet.named(f"wallet {number}") for number in range(wallets)),
        pieces=(),
        permits=(),
    )
    _fund(node, world)
    world.do([PROGRAM.initialize(world.authority.address)], world.authority)
    _open_ledgers(world, funds)
    pieces = [_escrow(world, number, royalties(number)) for number in range(1, items + 1)]
    expires_at = int(time.time()) + SESSION_S
    permits = [permit(wallet, max_volume_lamports=VOLUME_LAMPORTS, expires_at=expires_at) for wallet in world.wallets]
    for one in permits:
        world.register(one)
    node.finalize()
    if not paused:
        node.resume()
    return replace(world, pieces=tuple(pieces), permits=tuple(permits))


def creator_of(number: int) -> Wallet:
    """Who made the item of a number; ten have made all."""
    return Wallet.named(f"creator {number % 10}")


def _fund(node: SolanaNode, world: World) -> None:
    for wallet in world.wallets:
        node.fund(wallet.address, WALLET_LAMPORTS)
    node.fund(world.authority.address, AUTHORITY_LAMPORTS)


def _open_ledgers(world: World, funds: Callable[[int], int]) -> None:
    """Everybody's ledger, and the funds that wallets lock."""
    world.do([PROGRAM.open_ledger(world.fee_wallet.address, world.payer.address)], world.payer)
    for number, wallet in enumerate(world.wallets):
        steps = [PROGRAM.open_ledger(wallet.address, wallet.address)]
        if (lamports := funds(number)) > 0:
            steps.append(PROGRAM.deposit(wallet.address, lamports))
        world.do(steps, wallet)


def _escrow(world: World, number: int, royalty_bps: int) -> Piece:
    """Mint an item for its owner, who gives it into escrow; its creator gets a ledger for the royalties."""
    owner, mint = world.wallets[(number - 1) % len(world.wallets)], Wallet.named(f"mint {number}")
    mint_one(world.node, mint.address, owner.address)
    open_token_account(world.node, mint.address, PROGRAM.vault)
    world.do(
        [PROGRAM.deposit_item(number, owner.address, mint.address, world.authority.address)], owner, world.authority
    )
    piece = Piece(item_id=f"item-{number}", number=number, mint=mint.address, owner=owner)
    if royalty_bps == 0:
        return piece
    creator = creator_of(number).address
    if world.ledger(creator) is None:
        world.do([PROGRAM.open_ledger(creator, world.payer.address)], world.payer)
    return replace(piece, creator=creator, royalty_bps=royalty_bps)


def _pair(wallet: Wallet) -> bytes:
    """A key as wallets' files have it: seed and public key."""
    return wallet.seed + base58.decode(wallet.address)
