"""The contests' configuration and dependencies; the only file of the slice that reads the environment.

Each owner of data has a database role of its own (infra/sql/README.md), and with it a way to be built: a handler takes
the one whose tables it writes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.contests.adapters.admin_transfers import AdminTransfers
    from functions.contests.adapters.contests import Contests
    from functions.contests.adapters.effects import Effects
    from functions.contests.adapters.ends import Ends
    from functions.contests.adapters.faucet import Faucet
    from functions.contests.adapters.market import Market
    from functions.contests.adapters.market_sources import MarketSources
    from functions.contests.adapters.obligations import Obligations
    from functions.contests.adapters.paying import Paying
    from functions.contests.adapters.pools import Pools
    from functions.contests.adapters.sweeping import Sweeping
    from functions.contests.adapters.tokens import Tokens
    from functions.contests.adapters.vanity_pool import VanityPool
    from functions.contests.adapters.wallet_books import WalletBooks
    from functions.contests.adapters.wallets import Wallets
    from functions.contests.adapters.whitelist import Whitelist
    from kernel.outbox.solana import SolanaPolicy
    from kernel.solana.pool import SolanaPool
    from kernel.treasury import KillSwitch
    from kernel.wiring import Kernel

#: Contests, entries, portfolios, trades, snapshots, templates, and whatever no role below owns.
ROLE: Final = "counterpart_contests"
WALLETS_ROLE: Final = "counterpart_contests_wallets"
ADMIN_ROLE: Final = "counterpart_contests_admin"
VANITY_ROLE: Final = "counterpart_contests_vanity"
MARKET_ROLE: Final = "counterpart_contests_market"
EVALUATION_ROLE: Final = "counterpart_contests_evaluation"
WHITELIST_ROLE: Final = "counterpart_contests_whitelist"
#: What the keys of contests' wallets are sealed for.
KEY_PURPOSE: Final = "contests"
#: Leaders forget what they could not pack at once: living bytes are sent again after so long.
RESEND_S: Final = 4.0


class Settings(FrozenSettings):
    """One cluster, who pays the fees there, and where the rake goes."""

    model_config = SettingsConfigDict(
        env_prefix="COUNTERPART_CONTESTS_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    #: "mainnet", "devnet", "testnet" or "localnet".
    cluster: str
    #: Separated by blanks or line ends, in order of preference. A URL may carry a credential, hence a reference.
    rpc_urls: SecretRef
    #: What the cluster gives for its genesis; empty takes the published one, and any on a localnet.
    genesis_hash: str | None = None
    #: Pays every fee of the slice's transactions: a wallet of the treasury's for this service, its key in the vault.
    fee_payer: str
    #: Gets rake and dust; empty is the fee payer.
    treasury_address: str | None = None
    #: What an entry costs where a template does not say otherwise.
    entry_fee_lamports: int = Field(default=100_000_000, gt=0)

    #: Where Jupiter and DexScreener answer; Jupiter's key, without which it answers fewer.
    jupiter_url: str = "https://api.jup.ag"
    jupiter_key: SecretRef | None = None
    dexscreener_url: str = "https://api.dexscreener.com"
    #: JSON object mint -> symbol of the oracle, for tokens that are valued at its consensus: wrapped SOL.
    oracle_feeds: str = '{"So11111111111111111111111111111111111111112": "SOL/USD"}'

    #: Wallets that wait for contests, beside the vanity addresses.
    wallets_free: int = Field(default=5, ge=0, le=1_000)
    #: Wallets of a test network that the faucet fills, and empties when it stays low; none on mainnet.
    test_wallets: int = Field(default=0, ge=0, le=1_000)
    #: The wallet of a test network that grants test lamports, its key in the vault for "contests"; empty is none.
    faucet: str | None = None
    #: JSON list of the addresses that contests should have: letters, "prefix" or "suffix", and how many should wait.
    vanity_patterns: str = (
        '[{"letters": "DUEL", "place": "prefix", "is_case_sensitive": false, "target": 15},'
        ' {"letters": "DEGEN", "place": "prefix", "is_case_sensitive": false, "target": 9}]'
    )

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
    def treasury(self) -> str:
        """Where rake and dust go."""
        return self.treasury_address or self.fee_payer

    @property
    def test_wallets_wanted(self) -> int:
        """How many there are to be: none where lamports are money."""
        return 0 if self.cluster == "mainnet" else self.test_wallets

    @property
    def outbox_policy(self) -> SolanaPolicy:
        """How our transactions are driven."""
        from kernel.outbox.solana import SolanaPolicy
        from kernel.solana.fees import SolanaFeePolicy

        return SolanaPolicy(
            fees=SolanaFeePolicy(price_cap=self.unit_price_cap), poll_s=self.poll_s, resend_s=max(RESEND_S, self.poll_s)
        )


class Deps(KernelDeps):
    """What the contests' handlers use, each made when it is first asked for."""

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
    def switch(self) -> KillSwitch:
        """The kill switch of each service."""
        from kernel.treasury.switch import KillSwitch

        return KillSwitch(self.kernel.postgres, self.clock)

    # The life of contests.

    @cached_property
    def contests(self) -> Contests:
        """Contests, stored, and every step of their life."""
        from functions.contests.adapters.contests import contests_of

        return contests_of(self)

    # Wallets and their keys.

    @cached_property
    def wallets(self) -> Wallets:
        """Contests' wallets."""
        from functions.contests.adapters.wallets import wallets_of

        return wallets_of(self)

    @cached_property
    def vanity_pool(self) -> VanityPool:
        """Addresses with a pattern, and the searches for them."""
        from functions.contests.adapters.vanity_pool import vanity_pool_of

        return vanity_pool_of(self)

    @cached_property
    def faucet(self) -> Faucet:
        """Test lamports."""
        from functions.contests.adapters.faucet import faucet_of

        return faucet_of(self)

    # Money.

    @cached_property
    def pools(self) -> Pools:
        """Contests' money in the books."""
        from functions.contests.adapters.pools import pools_of

        return pools_of(self)

    @cached_property
    def obligations(self) -> Obligations:
        """What contests owe."""
        from functions.contests.adapters.obligations import obligations_of

        return obligations_of(self)

    @cached_property
    def wallet_books(self) -> WalletBooks:
        """Contests' wallets in the books and on the chain."""
        from functions.contests.adapters.wallet_books import wallet_books_of

        return wallet_books_of(self)

    @cached_property
    def effects(self) -> Effects:
        """What contests do to the cluster."""
        from functions.contests.adapters.effects import effects_of

        return effects_of(self)

    @cached_property
    def paying(self) -> Paying:
        """The way of prizes and refunds."""
        from functions.contests.adapters.paying import paying_of

        return paying_of(self)

    @cached_property
    def sweeping(self) -> Sweeping:
        """The way of rake and dust."""
        from functions.contests.adapters.sweeping import sweeping_of

        return sweeping_of(self)

    @cached_property
    def admin_transfers(self) -> AdminTransfers:
        """What administrators move."""
        from functions.contests.adapters.admin_transfers import admin_transfers_of

        return admin_transfers_of(self)

    @cached_property
    def ends(self) -> Ends:
        """What follows from the end of a transaction."""
        from functions.contests.adapters.ends import ends_of

        return ends_of(self)

    # The market.

    @cached_property
    def market(self) -> Market:
        """Prices of tokens."""
        from functions.contests.adapters.market import market_of

        return market_of(self)

    @cached_property
    def market_sources(self) -> MarketSources:
        """Who tells prices."""
        from functions.contests.adapters.market_sources import sources_of

        return sources_of(self)

    @cached_property
    def token_list(self) -> Tokens:
        """Tokens, and when their prices are asked for."""
        from functions.contests.adapters.tokens import tokens_of

        return tokens_of(self)

    @cached_property
    def whitelist(self) -> Whitelist:
        """What may be played with."""
        from functions.contests.adapters.whitelist import whitelist_of

        return whitelist_of(self)

    # Growth.


class KeyDeps(Deps):
    """What the handlers use that seal keys, or sign with them."""

    def check(self) -> None:
        """Refuse to start on an old schema, without the KMS key, or on another cluster."""
        self.kernel.check(keys=True)
        self.pool.check()


def build_deps() -> Deps:
    """The dependencies of one container, from the environment. Raises SettingsInvalid."""
    return _without_keys(ROLE)


def build_signer_deps() -> KeyDeps:
    """The same for the function that signs."""
    return _with_keys(ROLE)


def build_wallets_deps() -> KeyDeps:
    """The same for whoever writes contests' wallets, test wallets and the faucet's grants."""
    return _with_keys(WALLETS_ROLE)


def build_faucet_deps() -> Deps:
    """The same for the faucet, which opens no key."""
    return _without_keys(WALLETS_ROLE)


def build_vanity_deps() -> KeyDeps:
    """The same for whoever writes the pool of vanity addresses."""
    return _with_keys(VANITY_ROLE)


def build_admin_deps() -> KeyDeps:
    """The same for administrators' transfers."""
    return _with_keys(ADMIN_ROLE)


def build_market_deps() -> Deps:
    """The same for whoever writes tokens and their prices."""
    return _without_keys(MARKET_ROLE)


def build_whitelist_deps() -> Deps:
    """The same for whoever writes the whitelist."""
    return _without_keys(WHITELIST_ROLE)


def build_evaluation_deps() -> Deps:
    """The same for whoever writes what contests came to."""
    return _without_keys(EVALUATION_ROLE)


def _without_keys(role: str) -> Deps:
    from kernel.wiring import Kernel

    return Deps(Kernel.from_environment(role=role), Settings.from_environment())


def _with_keys(role: str) -> KeyDeps:
    from kernel.wiring import Kernel

    return KeyDeps(Kernel.from_environment(role=role), Settings.from_environment())
