"""The contests' configuration and dependencies; the only file of the slice that reads the environment.

Each owner of data has a database role of its own (infra/sql/README.md), and with it a way to be built: a handler takes
the one whose tables it writes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from functions.contests.adapters.slice_settings import Settings
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.contests.adapters.admin_transfers import AdminTransfers
    from functions.contests.adapters.administering import Administering
    from functions.contests.adapters.awarding import Awarding
    from functions.contests.adapters.contests import Contests
    from functions.contests.adapters.effects import Effects
    from functions.contests.adapters.ends import Ends
    from functions.contests.adapters.entries import Entries
    from functions.contests.adapters.evaluating import Evaluating
    from functions.contests.adapters.experience import Experience
    from functions.contests.adapters.faucet import Faucet
    from functions.contests.adapters.key_exports import KeyExports
    from functions.contests.adapters.living import Living
    from functions.contests.adapters.market import Market
    from functions.contests.adapters.market_sources import MarketSources
    from functions.contests.adapters.obligations import Obligations
    from functions.contests.adapters.paying import Paying
    from functions.contests.adapters.payments import Payments
    from functions.contests.adapters.pools import Pools
    from functions.contests.adapters.portfolios import Portfolios
    from functions.contests.adapters.referrals import Referrals
    from functions.contests.adapters.snapshots import Snapshots
    from functions.contests.adapters.standstill import Standstill
    from functions.contests.adapters.sweeping import Sweeping
    from functions.contests.adapters.templates import Templates
    from functions.contests.adapters.tokens import Tokens
    from functions.contests.adapters.trading import Trading
    from functions.contests.adapters.vanity_pool import VanityPool
    from functions.contests.adapters.wallet_books import WalletBooks
    from functions.contests.adapters.wallets import Wallets
    from functions.contests.adapters.whitelist import Whitelist
    from kernel.keys.solana import SolanaSigner
    from kernel.solana.pool import SolanaPool
    from kernel.wiring import Kernel

__all__ = ["Settings"]

#: Contests, entries, portfolios, trades, snapshots, templates, and whatever no role below owns.
ROLE: Final = "counterpart_contests"
WALLETS_ROLE: Final = "counterpart_contests_wallets"
ADMIN_ROLE: Final = "counterpart_contests_admin"
VANITY_ROLE: Final = "counterpart_contests_vanity"
MARKET_ROLE: Final = "counterpart_contests_market"
EVALUATION_ROLE: Final = "counterpart_contests_evaluation"
WHITELIST_ROLE: Final = "counterpart_contests_whitelist"


class Deps(KernelDeps):
    """What the contests' handlers use, each made when it is first asked for."""

    def __init__(self, kernel: Kernel, settings: Settings) -> None:
        super().__init__(kernel)
        self.settings = settings

    @cached_property
    def pool(self) -> SolanaPool:
        """The cluster's RPC endpoints."""
        settings = self.settings
        return self.kernel.solana_pool(settings.rpc_urls, settings.cluster, genesis_hash=settings.genesis_hash)

    # The life of contests.

    @cached_property
    def contests(self) -> Contests:
        """Contests, stored, and every step of their life."""
        from functions.contests.adapters.contests import contests_of

        return contests_of(self)

    @cached_property
    def portfolios(self) -> Portfolios:
        """Portfolios and their trades, stored."""
        from functions.contests.adapters.portfolios import Portfolios

        return Portfolios(self.clock)

    @cached_property
    def entries(self) -> Entries:
        """Takes entries in."""
        from functions.contests.adapters.entries import entries_of

        return entries_of(self)

    @cached_property
    def trading(self) -> Trading:
        """Trades at the market's price."""
        from functions.contests.adapters.trading import trading_of

        return trading_of(self)

    @cached_property
    def snapshots(self) -> Snapshots:
        """What portfolios are worth, every 15 seconds."""
        from functions.contests.adapters.snapshots import snapshots_of

        return snapshots_of(self)

    @cached_property
    def living(self) -> Living:
        """Starts, ends and cancellations."""
        from functions.contests.adapters.living import living_of

        return living_of(self)

    @cached_property
    def evaluating(self) -> Evaluating:
        """Final standings and what is owed for them."""
        from functions.contests.adapters.evaluating import evaluating_of

        return evaluating_of(self)

    @cached_property
    def standstill(self) -> Standstill:
        """Tells when contests stand still."""
        from functions.contests.adapters.standstill import Standstill

        return Standstill(self.kernel.postgres, self.clock)

    @cached_property
    def templates(self) -> Templates:
        """What opens contests by itself."""
        from functions.contests.adapters.templates import templates_of

        return templates_of(self)

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
    def administering(self) -> Administering:
        """What administrators see, and replay."""
        from functions.contests.adapters.administering import administering_of

        return administering_of(self)

    @cached_property
    def key_exports(self) -> KeyExports:
        """Keys for somebody outside."""
        from functions.contests.adapters.key_exports import key_exports_of

        return key_exports_of(self)

    def signer_of(self, address: str) -> SolanaSigner:
        """Whoever signs for the treasury's fee payer, or for a contest's wallet."""
        from functions.contests.adapters.wallets import KEY_PURPOSE

        settings = self.settings
        purpose = "treasury" if address == settings.fee_payer else KEY_PURPOSE
        return self.kernel.vault.solana_signer(address, purpose=purpose, chain=settings.chain)

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
    def payments(self) -> Payments:
        """What the cluster says of transfers."""
        from functions.contests.adapters.payments import payments_of

        return payments_of(self)

    @cached_property
    def whitelist(self) -> Whitelist:
        """What may be played with."""
        from functions.contests.adapters.whitelist import whitelist_of

        return whitelist_of(self)

    # Growth.

    @cached_property
    def experience(self) -> Experience:
        """What players have, and have reached."""
        from functions.contests.adapters.experience import Experience

        return Experience(self.kernel.postgres, self.kernel.realtime, self.clock)

    @cached_property
    def awarding(self) -> Awarding:
        """Gives players what contests have brought."""
        from functions.contests.adapters.awarding import Awarding

        return Awarding(self.kernel.postgres, self.tasks, self.experience, self.clock)

    @cached_property
    def referrals(self) -> Referrals:
        """Who brought whom."""
        from functions.contests.adapters.referrals import Referrals

        return Referrals(self.kernel.postgres, self.experience, self.clock)


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


def build_admin_deps() -> Deps:
    """The same for administrators' transfers."""
    return _without_keys(ADMIN_ROLE)


def build_export_deps() -> KeyDeps:
    """The same for the function that seals a key for somebody outside."""
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
