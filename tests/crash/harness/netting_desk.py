"""Netting over a run's Solana cluster: its dependencies as wiring.py builds them, a market of two, and one sale.

The cluster is not restored between runs, so each run has a program of its own: the deployed one, cloned.
"""

from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from functions.netting.adapters.net_steps import NET, net_tasks
from functions.netting.adapters.obligations import desk_of
from functions.netting.adapters.settle_steps import SETTLE
from functions.netting.wiring import ROLE, Settings, SignerDeps
from infra.local.netting import records
from infra.local.netting.deployment import CODE, PROGRAM
from infra.local.netting.minting import mint_one, open_token_account
from infra.local.netting.program import Program
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import Piece
from infra.local.netting.world import World as Market
from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.keys.solana import SolanaSigner
from kernel.postgres import Postgres
from kernel.testing.content import InMemoryContent
from kernel.treasury.checking import Checks
from kernel.treasury.switch import KillSwitch
from kernel.wiring import Kernel
from tests.crash.harness.serving import Served, kernel_of
from tests.crash.harness.site import START
from tests.crash.harness.world import World

#: What a scenario's cluster is started with.
DEPLOYED: Final = {"deploy": {PROGRAM.address: CODE}}
PRICE_LAMPORTS: Final = 250
FUNDS_LAMPORTS: Final = 10 * LAMPORTS_PER_SOL
ITEM: Final = "item-1"
#: Slots that pass, or blocks that come, whenever all wait: what has landed is final then.
BLOCKS: Final = 33
TURN_S: Final = 20.0
#: A little rarer than who waits for a transaction looks: he waits, and once is enough.
POLL_S: Final = 3.0
SUBMIT, EVENTS, INDEX = "netting.submit_settlement", "netting.netting_events", "netting.index_batch"
KINDS: Final = (NET, SETTLE, SUBMIT, EVENTS, INDEX)
INTENT: Final = """
    insert into netting.intents (id, session, owner, item_id, seller, buyer, amount_lamports, nonce, created_at_ms,
        kind, signature, state, received_at, moved_at)
    values (%(id)s, %(session)s, %(buyer)s, %(item)s, %(seller)s, %(buyer)s, %(price)s, 1, %(created_at_ms)s,
        'BUY_NOW', '', 'pending', %(now)s, %(now)s)
"""


class Deps(SignerDeps):
    """Netting's dependencies; the authority's key is at hand, since sealing it has a scenario of its own."""

    signer: SolanaSigner

    @cached_property
    def _signer(self) -> SolanaSigner:
        return self.signer


class NettingDesk:
    """One process's netting. Everybody at its market is this run's own."""

    def __init__(self, world: World) -> None:
        self.world, self.node = world, world.solana
        self.program = Program(base58.encode(world.secret_of_run("program")))
        run = world.secret_of_run("market").hex()
        self.authority, self.seller, self.buyer = (
            Wallet.named(f"{run} {name}") for name in ("authority", "seller", "buyer")
        )
        self.mint = Wallet.named(f"{run} mint").address

    @cached_property
    def market(self) -> Market:
        """The same as the local world knows it."""
        return Market(
            node=self.node,
            program=self.program,
            payer=self.authority,
            authority=self.authority,
            fee_wallet=self.seller,
            wallets=(self.seller, self.buyer),
            pieces=(Piece(item_id=ITEM, number=1, mint=self.mint, owner=self.seller),),
            permits=(),
        )

    @cached_property
    def kernel(self) -> Kernel:
        """A container's."""
        return kernel_of(self.world, ROLE, content=InMemoryContent())

    @cached_property
    def deps(self) -> Deps:
        """As wiring.py builds them, over this world."""
        settings = Settings(
            cluster="localnet",
            rpc_urls="plain:" + " ".join(self.world.rpc_urls("solana")),
            program=self.program.address,
            authority=self.authority.address,
            start_after=self._begun_at.read_text() if self._begun_at.exists() else None,
            poll_s=POLL_S,
            lookup_tables_max=0,
        )
        deps = Deps(self.kernel, settings)
        watched = self.world.points.watched
        deps.signer = watched(self.authority.signer, "sign", "sign_message", name="sign ed25519")
        return deps

    def open(self) -> None:
        """Initialise this run's program; lock funds and an item; have all of it in the tables and an intent waiting."""
        self.node.rpc("surfnet_cloneProgramAccount", PROGRAM.address, self.program.address)
        for wallet in (self.authority, self.seller, self.buyer):
            self.node.fund(wallet.address, 100 * LAMPORTS_PER_SOL)
        market, program = self.market, self.program
        market.do([program.initialize(self.authority.address)], self.authority)
        for wallet in (self.seller, self.buyer):
            opening = program.open_ledger(wallet.address, wallet.address)
            market.do([opening, program.deposit(wallet.address, FUNDS_LAMPORTS)], wallet)
        mint_one(self.node, self.mint, self.seller.address)
        open_token_account(self.node, self.mint, program.vault)
        escrow = program.deposit_item(1, self.seller.address, self.mint, self.authority.address)
        self._begun_at.write_text(market.do([escrow], self.seller, self.authority))
        self.finalize()
        clock, url = self.world.clock, self.world.site.database_url
        records.record(market, url, self.kernel.envelope, clock)
        records.open_books(market, url, clock)
        self._want()

    def _want(self) -> None:
        """The buyer's intent, ten minutes old."""
        postgres = Postgres(self.world.site.database_url)
        with postgres.transaction() as tx:
            tx.execute(
                INTENT,
                id=f"{1:026d}",
                session=self.buyer.session.address,
                item=ITEM,
                seller=self.seller.address,
                buyer=self.buyer.address,
                price=PRICE_LAMPORTS,
                created_at_ms=int(START.timestamp() - 600) * 1_000,
                now=START,
            )
        postgres.close()

    def ask(self, later: timedelta = timedelta()) -> None:
        """What the schedule asks for then: a netting."""
        with self.world.postgres.transaction() as tx:
            self.world.tasks.enqueue(net_tasks(self.world.clock.now() + later)[:1], tx)

    def work(self) -> None:
        """Do the tasks of every kind until none is open; some blocks come whenever all wait."""
        served = {kind: Served(kind, self.deps) for kind in KINDS}
        self.world.work(served, meanwhile=self.finalize)

    def finalize(self) -> None:
        """What has landed is final: one block, that many slots later, costs a thirtieth of so many blocks."""
        self.node.jump(BLOCKS)

    def listen(self) -> None:
        """The minute's turn of the cursor."""
        self.deps.listening.follow(TURN_S)

    def checked(self) -> Any:
        """What the treasury says of the authority's wallet."""
        office, clock = self.world.postgres_as("counterpart_ops"), self.world.clock
        checks = Checks(office, self.deps.treasury, partial(desk_of, self.deps), KillSwitch(office, clock), clock)
        return checks.check(self.deps.settings.chain, self.authority.address)

    @property
    def _begun_at(self) -> Path:
        """Where the signature lies after which the market's own life begins."""
        return Path(self.world.site.folder) / "begun_at"
