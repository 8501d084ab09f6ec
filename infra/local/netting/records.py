"""What the service knows of a world once it has read it: its key and wallet, everybody's funds, items and sessions.

record(world, database_url, envelope)     # before any handler runs

Tests and demos that are about what comes later begin here; those that are about reading begin with `entrust` alone.
Where no function of the ops slice checks wallets, `open_books` does it once.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from functions.netting.core.books import OUTSIDE, wallet_account
from infra.local.netting.permits import CLUSTER
from infra.local.netting.program import Ledger as Funds
from infra.local.netting.world import World
from kernel.clock import Clock, SystemClock
from kernel.keys.envelope import Envelope
from kernel.keys.vault import Vault
from kernel.ledger import Account, Ledger, Posting
from kernel.outbox.solana import SolanaOutbox, SolanaPolicy
from kernel.postgres import Postgres, Transaction
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import SolanaPool
from kernel.treasury.checking import Checks
from kernel.treasury.desks import Desk
from kernel.treasury.solana import SolanaDesk
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet

SERVICE: Final = "netting"
CHAIN: Final = f"solana:{CLUSTER}"
ASSET: Final = f"{CHAIN}:native"
ACTIONS: Final = ("TRADE", "BID", "BUY_NOW")
_KEY_PURPOSE: Final = "treasury"
_ACTOR: Final = "the local world"
_TRANSFER_UNITS: Final = 1_000

_BALANCE: Final = """
    insert into netting.wallet_balances (wallet, locked_lamports, requested_lamports, slot, read_at)
    values (%(wallet)s, %(locked)s, %(requested)s, %(slot)s, %(now)s)
"""
_ITEM: Final = """
    insert into netting.item_ownership
        (item_id, item_number, mint, owner, creator, royalty_bps, slot, read_at)
    overriding system value
    values (%(item_id)s, %(number)s, %(mint)s, %(owner)s, %(creator)s, %(royalty_bps)s, %(slot)s, %(now)s)
"""
_COUNT_ON: Final = """
    select setval(pg_get_serial_sequence('netting.item_ownership', 'item_number'), %(number)s)
"""
_SESSION: Final = """
    insert into netting.session_keys
        (key, id, owner, allowed_actions, max_volume_lamports, expires_at, state, text, signature,
         requested_at, moved_at)
    values (%(key)s, %(id)s, %(owner)s, %(actions)s, %(volume)s, to_timestamp(%(expires_at)s), 'active', %(text)s,
            %(signature)s, %(now)s, %(now)s)
"""


def record(world: World, database_url: str, envelope: Envelope, clock: Clock | None = None) -> None:
    """All of it, as the node tells it now."""
    entrust(world, database_url, envelope, clock)
    now = (clock or SystemClock()).now()
    postgres = Postgres(database_url)
    with postgres.transaction() as tx:
        funds = [told for wallet in _holders(world) if (told := world.ledger(wallet)) is not None]
        slot = world.node.slot("finalized")
        for one in funds:
            row = {"wallet": one.owner, "locked": one.locked, "requested": one.requested}
            tx.execute(_BALANCE, **row, slot=slot, now=now)
        _book(tx, funds)
        _record_items(tx, world, slot, now)
        _record_sessions(tx, world, now)
    postgres.close()


def entrust(world: World, database_url: str, envelope: Envelope, clock: Clock | None = None) -> None:
    """Seal the authority's key and declare its wallet; its books open at the treasury's next check of it."""
    postgres = Postgres(database_url)
    desks: dict[str, Desk] = {}  # to declare a wallet, no chain is asked
    vault = Vault(postgres, envelope, clock or SystemClock())
    vault.keep(world.authority.seed, purpose=_KEY_PURPOSE, chain=CHAIN, actor=_ACTOR)
    wallet = OperatorWallet(service=SERVICE, chain=CHAIN, address=world.authority.address, floor=0, target=0)
    Treasury(postgres, desks.__getitem__, clock).declare(wallet, actor=_ACTOR, reason="settles on this machine")
    postgres.close()


def open_books(world: World, database_url: str, clock: Clock | None = None) -> None:
    """Have the treasury begin the books of the authority's wallet, as its check of the minute does."""
    postgres, pool = Postgres(database_url), SolanaPool([world.node.url], CLUSTER, clock)
    policy, outboxes = SolanaPolicy(fees=SolanaFeePolicy()), dict[str, SolanaOutbox]()
    desk = SolanaDesk(outboxes.__getitem__, pool, policy, cluster=CLUSTER, transfer_units=_TRANSFER_UNITS)
    treasury = Treasury(postgres, lambda _: desk, clock)
    Checks(postgres, treasury, lambda _: desk, KillSwitch(postgres), clock).check(CHAIN, world.authority.address)
    pool.close()
    postgres.close()


def _holders(world: World) -> list[str]:
    creators = [piece.creator for piece in world.pieces if piece.creator is not None]
    wallets = [wallet.address for wallet in (*world.wallets, world.fee_wallet)]
    return list(dict.fromkeys([*wallets, *creators]))


def _book(tx: Transaction, funds: list[Funds]) -> None:
    ledger = Ledger(SystemClock())
    accounts = [Account(name=wallet_account(one.owner), asset=ASSET) for one in funds]
    ledger.open(tx, [*accounts, Account(name=OUTSIDE, asset=ASSET, may_go_negative=True)])
    postings = [Posting(wallet_account(one.owner), ASSET, one.locked) for one in funds if one.locked]
    if postings:
        rest = Posting(OUTSIDE, ASSET, -sum(one.locked for one in funds))
        ledger.post(tx, business_key="netting:opening", service=SERVICE, postings=[*postings, rest])


def _record_items(tx: Transaction, world: World, slot: int, now: datetime) -> None:
    owners = world.owners()
    for piece in world.pieces:
        row = {name: getattr(piece, name) for name in ("item_id", "number", "mint", "creator", "royalty_bps")}
        tx.execute(_ITEM, **row, owner=owners.get(piece.item_id), slot=slot, now=now)
    if world.pieces:
        tx.execute(_COUNT_ON, number=max(piece.number for piece in world.pieces))


def _record_sessions(tx: Transaction, world: World, now: datetime) -> None:
    for number, permit in enumerate(world.permits):
        tx.execute(
            _SESSION,
            key=permit.wallet.session.address,
            id=UUID(int=number),
            owner=permit.wallet.address,
            actions=list(ACTIONS),
            volume=permit.max_volume_lamports,
            expires_at=permit.expires_at,
            text=permit.text,
            signature=permit.signature,
            now=now,
        )
