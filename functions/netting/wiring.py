"""Netting's configuration and dependencies; the only file of the slice that reads the environment."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.netting.adapters.aftermath import Aftermath
    from functions.netting.adapters.batches import Batches
    from functions.netting.adapters.ends import Ends
    from functions.netting.adapters.index import Index
    from functions.netting.adapters.indexing import Indexing
    from functions.netting.adapters.intake import Intake
    from functions.netting.adapters.items import Items
    from functions.netting.adapters.lane import Lane
    from functions.netting.adapters.ledgers_opened import Ledgers
    from functions.netting.adapters.listening import Listening
    from functions.netting.adapters.listings import Listings
    from functions.netting.adapters.lookup_tables import LookupTables
    from functions.netting.adapters.obligations import Obligations
    from functions.netting.adapters.offers import Offers
    from functions.netting.adapters.pinned_intents import PinnedIntents
    from functions.netting.adapters.planning import Planning
    from functions.netting.adapters.program_accounts import Calls, Readings
    from functions.netting.adapters.proposing import Proposing
    from functions.netting.adapters.publishing import Publishing
    from functions.netting.adapters.reconciling import Reconciling
    from functions.netting.adapters.roots import Roots
    from functions.netting.adapters.settling import Settling
    from functions.netting.adapters.showing import Showing
    from functions.netting.adapters.standstill import Standstill
    from functions.netting.adapters.transfers_seen import TransfersSeen
    from functions.netting.adapters.wallets import Wallets
    from functions.netting.core.batching import BatchSizes
    from functions.netting.core.plan import Fee
    from kernel.keys.solana import SolanaSigner
    from kernel.outbox.solana import SolanaOutbox, SolanaPolicy
    from kernel.solana.pool import SolanaPool
    from kernel.treasury.treasury import Treasury
    from kernel.tunables import Tunables
    from kernel.wiring import Kernel

ROLE = "counterpart_netting"
#: What the authority's key is sealed for: it is a wallet of the treasury.
KEY_PURPOSE = "treasury"


class Settings(FrozenSettings):
    """One program on one cluster, and the authority that settles there."""

    model_config = SettingsConfigDict(
        env_prefix="COUNTERPART_NETTING_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    #: "mainnet", "devnet", "testnet" or "localnet".
    cluster: str
    #: Separated by blanks or line ends, in order of preference. A URL may carry a credential, hence a reference.
    rpc_urls: SecretRef
    #: What the cluster gives for its genesis; empty takes the published one, and any on a localnet.
    genesis_hash: str | None = None
    #: The program's address, in base58.
    program: str
    #: Settles, opens ledgers and co-signs: a wallet of the treasury's for this service, whose key the vault keeps.
    authority: str
    #: A transaction of the program's, before its first one: nothing older is read; empty reads all.
    start_after: str | None = None

    #: Of each sale, to the fee wallet; in hundredths of a percent.
    fee_bps: int = Field(default=0, ge=0, le=10_000)
    #: Who gets the fees: any wallet with a ledger in the program.
    fee_wallet: str | None = None

    #: Micro-lamports per compute unit; where an operator is called.
    unit_price_cap: int = Field(default=1_000_000, gt=0)
    #: How often a sent transaction is looked for.
    poll_s: float = Field(default=1, gt=0, le=4)
    #: How many address lookup tables there may be, of 254 accounts and 0.058 SOL of rent each; 0 uses none.
    lookup_tables_max: int = Field(default=4, ge=0, le=256)

    @model_validator(mode="after")
    def _fees_go_somewhere(self) -> Self:
        if self.fee_bps and self.fee_wallet is None:
            raise ValueError("a fee needs a fee wallet")
        return self

    @property
    def chain(self) -> str:
        """The cluster as the treasury names it."""
        return f"solana:{self.cluster}"

    @property
    def asset(self) -> str:
        """Lamports there, as the ledger names them."""
        return f"{self.chain}:native"

    @property
    def fee(self) -> Fee:
        """What each sale pays."""
        from functions.netting.core.plan import Fee

        return Fee(bps=self.fee_bps, wallet=self.fee_wallet)

    @property
    def outbox_policy(self) -> SolanaPolicy:
        """How our transactions are driven."""
        from kernel.outbox.solana import SolanaPolicy
        from kernel.solana.fees import SolanaFeePolicy

        return SolanaPolicy(fees=SolanaFeePolicy(price_cap=self.unit_price_cap), poll_s=self.poll_s)


class Deps(KernelDeps):
    """What netting's handlers use, each made when it is first asked for."""

    def __init__(self, kernel: Kernel, settings: Settings) -> None:
        super().__init__(kernel)
        self.settings = settings

    @cached_property
    def pool(self) -> SolanaPool:
        """The cluster's RPC endpoints."""
        settings = self.settings
        return self.kernel.solana_pool(settings.rpc_urls, settings.cluster, genesis_hash=settings.genesis_hash)

    @cached_property
    def outbox(self) -> SolanaOutbox:
        """The authority's transactions, and those that wallets sign and we pass on."""
        from kernel.outbox.solana import SolanaOutbox

        return SolanaOutbox(
            self.kernel.postgres,
            self.tasks,
            self.pool,
            {self.settings.authority: self._signer},
            self.clock,
            policy=self.settings.outbox_policy,
            switch=self.switch,
        )

    @cached_property
    def batches(self) -> Batches:
        """Batches and their settlements, stored."""
        from functions.netting.adapters.batches import Batches

        return Batches(self.clock)

    @cached_property
    def tunables(self) -> Tunables:
        """What operators tune."""
        from functions.netting.adapters.limits import TUNABLES
        from kernel.tunables import Tunables

        return Tunables(self.kernel.postgres, TUNABLES, self.clock)

    @property
    def sizes(self) -> BatchSizes:
        """How large batches are, as it is tuned now."""
        from functions.netting.adapters.limits import sizes_of

        return sizes_of(self.tunables)

    @cached_property
    def standstill(self) -> Standstill:
        """Tells when settlements stand still."""
        from functions.netting.adapters.standstill import Standstill

        return Standstill(self.kernel.postgres, self.clock)

    @cached_property
    def planning(self) -> Planning:
        """Plans batches."""
        from functions.netting.adapters.planning import Planning

        return Planning(self.kernel.postgres, self.tasks, self.clock, fee=self.settings.fee)

    @cached_property
    def proposing(self) -> Proposing:
        """Looks for optimal clearings."""
        from functions.netting.adapters.proposing import Proposing

        return Proposing(self.kernel.postgres, self.tunables, self.clock, fee=self.settings.fee)

    @cached_property
    def publishing(self) -> Publishing:
        """Publishes what was decided about batches."""
        from functions.netting.adapters.publishing import Publishing

        return Publishing(self.kernel.postgres, self.tasks, self.kernel.pinning, self.batches, self.clock)

    @cached_property
    def showing(self) -> Showing:
        """What anybody may see of batches."""
        from functions.netting.adapters.showing import Showing

        return Showing(self.kernel.postgres, self.batches)

    @cached_property
    def intake(self) -> Intake:
        """Takes intents in."""
        from functions.netting.adapters.intake import Intake

        return Intake(self.kernel.postgres, self.clock)

    @cached_property
    def offers(self) -> Offers:
        """Bids that wait for the seller's word."""
        from functions.netting.adapters.offers import Offers

        return Offers(self.kernel.postgres, self.clock)

    @cached_property
    def pinned_intents(self) -> PinnedIntents:
        """Intents as they were signed, for anybody to check."""
        from functions.netting.adapters.pinned_intents import PinnedIntents

        return PinnedIntents(self.kernel.postgres, self.kernel.pinning, self.clock)

    @cached_property
    def listings(self) -> Listings:
        """Everybody's asks."""
        from functions.netting.adapters.listings import Listings

        return Listings(self.kernel.postgres, self.clock)

    @cached_property
    def listening(self) -> Listening:
        """The turns of the program's cursor."""
        from functions.netting.adapters.listening import Listening

        return Listening(self)

    @cached_property
    def reconciling(self) -> Reconciling:
        """Compares the books with the chain."""
        from functions.netting.adapters.reconciling import Reconciling

        return Reconciling(self._index, self.settings.asset)

    @cached_property
    def transfers_seen(self) -> TransfersSeen:
        """Takes in what the program did."""
        from functions.netting.adapters.transfers_seen import TransfersSeen

        return TransfersSeen(self._index)

    @cached_property
    def indexing(self) -> Indexing:
        """Takes in what batches came to."""
        from functions.netting.adapters.indexing import Indexing

        return Indexing(self._index)

    @cached_property
    def items(self) -> Items:
        """Items by their names."""
        from functions.netting.adapters.items import Items

        return Items(self.kernel.postgres, self.clock)

    @cached_property
    def _index(self) -> Index:
        from functions.netting.adapters.index import index_of

        return index_of(self)

    @cached_property
    def treasury(self) -> Treasury:
        """The authority's wallet: its fees and rents."""
        from functions.netting.adapters.obligations import desk_of
        from kernel.treasury.treasury import Treasury

        return Treasury(self.kernel.postgres, lambda chain: desk_of(self, chain), self.clock)

    @cached_property
    def calls(self) -> Calls:
        """What the authority tells the program."""
        from functions.netting.adapters.program_accounts import Calls

        return Calls(self.settings.program, self.settings.authority)

    @cached_property
    def readings(self) -> Readings:
        """What the program's accounts hold."""
        from functions.netting.adapters.program_accounts import Readings

        return Readings(self.pool, self.calls)

    @cached_property
    def lane(self) -> Lane:
        """The one settlement on its way."""
        from functions.netting.adapters.lane import Lane

        return Lane(self.clock)

    @cached_property
    def obligations(self) -> Obligations:
        """What the authority owes the cluster."""
        from functions.netting.adapters.obligations import obligations_of

        return obligations_of(self)

    @cached_property
    def ledgers(self) -> Ledgers:
        """Ledgers of wallets that are to be paid."""
        from functions.netting.adapters.ledgers_opened import Ledgers

        return Ledgers(self.calls, self.obligations, self.clock)

    @cached_property
    def lookup_tables(self) -> LookupTables:
        """What makes settlements short."""
        from functions.netting.adapters.lookup_tables import lookup_tables_of

        return lookup_tables_of(self)

    @cached_property
    def roots(self) -> Roots:
        """Roots of batches' states."""
        from functions.netting.adapters.roots import Roots

        return Roots(self.calls, self.obligations, self.clock)

    @cached_property
    def settling(self) -> Settling:
        """Batches on their way."""
        from functions.netting.adapters.settling import settling_of

        return settling_of(self)

    @cached_property
    def aftermath(self) -> Aftermath:
        """The last steps of a batch."""
        from functions.netting.adapters.aftermath import aftermath_of

        return aftermath_of(self)

    @cached_property
    def ends(self) -> Ends:
        """What follows from the end of a transaction."""
        from functions.netting.adapters.ends import ends_of

        return ends_of(self)

    @cached_property
    def wallets(self) -> Wallets:
        """What wallets sign and we pass on."""
        from functions.netting.adapters.wallets import wallets_of

        return wallets_of(self)

    @cached_property
    def _signer(self) -> SolanaSigner:
        return self.kernel.vault.solana_signer(self.settings.authority, purpose=KEY_PURPOSE, chain=self.settings.chain)


class SignerDeps(Deps):
    """What the handler that signs uses."""

    def check(self) -> None:
        """Refuse to start on an old schema, without the KMS key, or on another cluster."""
        self.kernel.check(keys=True)
        self.pool.check()


def build_deps() -> Deps:
    """The dependencies of one container, from the environment. Raises SettingsInvalid."""
    from kernel.wiring import Kernel

    return Deps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def build_signer_deps() -> SignerDeps:
    """The same for functions that sign."""
    from kernel.wiring import Kernel

    return SignerDeps(Kernel.from_environment(role=ROLE), Settings.from_environment())
