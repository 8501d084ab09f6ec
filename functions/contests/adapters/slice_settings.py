"""What an operator sets of the contests; functions/contests/wiring.py reads it from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import FrozenSettings, SecretRef

if TYPE_CHECKING:
    from kernel.outbox.solana import SolanaPolicy


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

    #: Dollars in a token's markets without which its price values nothing, and nobody trades it; 0 is no floor.
    liquidity_min_usd: int = Field(default=50_000, ge=0)

    #: A price that rises above so many percent of the last one from one look at the market to the next, or falls as
    #: steeply, values nothing until a second look confirms it.
    price_factor_max_percent: int = Field(default=200, gt=100)

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
    poll_s: float = Field(default=1, gt=0, le=4)

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

        return SolanaPolicy(fees=SolanaFeePolicy(price_cap=self.unit_price_cap), poll_s=self.poll_s)
