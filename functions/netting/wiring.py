"""Netting's configuration and dependencies; the only file of the slice that reads the environment."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.netting.adapters.batches import Batches
    from functions.netting.adapters.intake import Intake
    from functions.netting.adapters.listings import Listings
    from functions.netting.adapters.offers import Offers
    from kernel.keys.solana import SolanaSigner
    from kernel.outbox.solana import SolanaOutbox, SolanaPolicy
    from kernel.solana.pool import SolanaPool
    from kernel.treasury import KillSwitch
    from kernel.wiring import Kernel

ROLE = "counterpart_netting"
SERVICE = "netting"
#: What the authority's key is sealed for: it is a wallet of the treasury.
KEY_PURPOSE = "treasury"


class Settings(FrozenSettings):
    """One program on one cluster, and the authority that settles there."""

    model_config = SettingsConfigDict(env_prefix="COUNTERPART_NETTING_", frozen=True, hide_input_in_errors=True)

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
    poll_s: float = Field(default=1, gt=0, le=30)

    @property
    def chain(self) -> str:
        """The cluster as the treasury names it."""
        return f"solana:{self.cluster}"

    @property
    def asset(self) -> str:
        """Lamports there, as the ledger names them."""
        return f"{self.chain}:native"

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
        from kernel.solana.pool import SolanaPool

        settings = self.settings
        urls = self.kernel.secrets.resolve(settings.rpc_urls).get_secret_value().split()
        return SolanaPool(
            urls, settings.cluster, self.clock, genesis_hash=settings.genesis_hash, health=self.kernel.breakers
        )

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
    def listings(self) -> Listings:
        """Everybody's asks."""
        from functions.netting.adapters.listings import Listings

        return Listings(self.kernel.postgres, self.clock)

    @cached_property
    def switch(self) -> KillSwitch:
        """The kill switch of each service."""
        from kernel.treasury.switch import KillSwitch

        return KillSwitch(self.kernel.postgres, self.clock)

    @cached_property
    def _signer(self) -> SolanaSigner:
        return self.kernel.vault.solana_signer(self.settings.authority, purpose=KEY_PURPOSE, chain=self.settings.chain)


class SignerDeps(Deps):
    """What the handler that signs uses."""

    def check(self) -> None:
        """Refuse to start on an old schema, without the KMS key, or on another cluster."""
        self.kernel.check(keys=True)


def build_deps() -> Deps:
    """The dependencies of one container, from the environment. Raises SettingsInvalid."""
    from kernel.wiring import Kernel

    return Deps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def build_signer_deps() -> SignerDeps:
    """The same for functions that sign."""
    from kernel.wiring import Kernel

    return SignerDeps(Kernel.from_environment(role=ROLE), Settings.from_environment())
