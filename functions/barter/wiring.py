"""Barter's configuration and dependencies; the only file of the slice that reads the environment."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from functions.barter.core.job import Choice
from kernel.evm.fees import GWEI
from kernel.evm.settings import EvmAddress
from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.barter.adapters.calls import Calls
    from functions.barter.adapters.contracts import Contracts
    from functions.barter.adapters.exchanges import Exchanges
    from functions.barter.adapters.following import Following
    from functions.barter.adapters.indexing import Indexing
    from functions.barter.adapters.jobs import Jobs
    from functions.barter.adapters.monitor import Monitor
    from functions.barter.adapters.news import News
    from functions.barter.adapters.posting import Posting
    from functions.barter.adapters.proving import Proving
    from functions.barter.adapters.rechecking import Rechecking
    from functions.barter.adapters.settling import Settling
    from functions.barter.adapters.watches import Watches
    from functions.barter.adapters.watching import Watching
    from kernel.evm.rpc import RpcPool
    from kernel.keys.evm import Signer
    from kernel.outbox.evm import EvmOutbox, OutboxPolicy
    from kernel.treasury.desks import Desk
    from kernel.treasury.treasury import Treasury
    from kernel.wiring import Kernel

ROLE = "counterpart_barter"
#: What the settler's key is sealed for: it is a wallet of the treasury.
KEY_PURPOSE = "treasury"


class Settings(FrozenSettings):
    """The exchanges of one chain, and who posts their trades."""

    model_config = SettingsConfigDict(env_prefix="COUNTERPART_BARTER_", frozen=True, hide_input_in_errors=True)

    #: The number that the chain gives for itself; another one is refused.
    chain_id: int = Field(gt=0)
    #: Separated by blanks or line ends, in order of preference. A URL may carry a credential, hence a reference.
    rpc_urls: SecretRef
    #: How many blocks make one final, its own included; empty asks for the `finalized` tag.
    confirmations: int | None = Field(default=None, ge=1)
    #: Wei per gas. The first is what a transaction reserves for its fee, and where an operator is called.
    fee_cap_wei: int = Field(default=200 * GWEI, gt=0)
    tip_cap_wei: int = Field(default=5 * GWEI, gt=0)
    #: A transaction that is not mined by then is replaced at a higher fee.
    stuck_after_s: float = Field(default=30, gt=0)
    #: How often a sent transaction is looked for.
    poll_s: float = Field(default=2, gt=0, le=30)

    #: How results are shown to be right: auto is direct below 490 agents, and where the exchange has no verifier.
    mode: Choice = Choice.AUTO
    #: Posts trades and ends phases: a wallet of the treasury's, declared for this service, whose key the vault keeps.
    settler: EvmAddress
    #: Whether the settler posts the trades that are proven; else whoever asks for the proof does.
    posts_trades: bool = True
    #: Whether it ends phases whose time is over, the wait for a proof included.
    advances_phases: bool = True
    #: What one transaction of it may use: 2^24 is what Ethereum takes (EIP-7825). An exchange that asks for more is
    #: left to others: anybody can deploy one.
    gas_max: int = Field(default=16_777_216, ge=100_000)
    #: The hash of the verification key that exchanges are to be deployed with, 32 bytes in hexadecimal; "" for none.
    image_id: str = Field(default="", pattern=r"^(0x[0-9a-fA-F]{64})?$")

    @property
    def chain(self) -> str:
        """The chain as the treasury names it."""
        return f"evm:{self.chain_id}"

    @property
    def image(self) -> bytes:
        """The hash of the verification key; zero where there is none."""
        return bytes.fromhex(self.image_id.removeprefix("0x") or "00" * 32)

    @property
    def outbox_policy(self) -> OutboxPolicy:
        """How our transactions are driven."""
        from kernel.evm.fees import FeePolicy
        from kernel.outbox.evm import OutboxPolicy

        return OutboxPolicy(
            fees=FeePolicy(fee_cap_wei=self.fee_cap_wei, tip_cap_wei=self.tip_cap_wei),
            confirmations=self.confirmations,
            stuck_after_s=self.stuck_after_s,
            poll_s=self.poll_s,
        )


class Deps(KernelDeps):
    """What barter's handlers use, each made when it is first asked for."""

    def __init__(self, kernel: Kernel, settings: Settings) -> None:
        super().__init__(kernel)
        self.settings = settings

    @cached_property
    def pool(self) -> RpcPool:
        """The chain's RPC endpoints."""
        from kernel.evm.rpc import RpcPool

        urls = self.kernel.secrets.resolve(self.settings.rpc_urls).get_secret_value().split()
        return RpcPool(urls, self.settings.chain_id, self.clock, health=self.kernel.breakers)

    @cached_property
    def exchanges(self) -> Exchanges:
        """Exchanges, as a quorum has them."""
        from functions.barter.adapters.exchanges import Exchanges

        return Exchanges(self.pool, confirmations=self.settings.confirmations)

    @cached_property
    def news(self) -> News:
        """What others are told."""
        from functions.barter.adapters.news import News

        return News(self.kernel.realtime, self.kernel.webhooks)

    @cached_property
    def watches(self) -> Watches:
        """Who is followed, stored."""
        from functions.barter.adapters.watches import Watches

        return Watches(self.tasks, self.clock, chain_id=self.settings.chain_id, tell=self.news.of_watch)

    @cached_property
    def contracts(self) -> Contracts:
        """What is known of exchanges, stored."""
        from functions.barter.adapters.contracts import Contracts

        return Contracts(self.watches, self.clock)

    @cached_property
    def jobs(self) -> Jobs:
        """Proofs that are owed, stored."""
        from functions.barter.adapters.jobs import Jobs

        return Jobs(self.tasks, self.clock, chain_id=self.settings.chain_id, tell=self.news.of_job)

    @cached_property
    def calls(self) -> Calls:
        """Our transactions to exchanges."""
        from functions.barter.adapters.calls import Calls

        settings = self.settings
        return Calls(self.treasury, self.clock, chain=settings.chain, settler=settings.settler, tell=self.news.of_call)

    @cached_property
    def monitor(self) -> Monitor:
        """What is answered over HTTP."""
        from functions.barter.adapters.monitor import Monitor

        return Monitor(self)

    @cached_property
    def watching(self) -> Watching:
        """Begins to follow an exchange."""
        from functions.barter.adapters.watching import Watching

        return Watching(self.kernel.postgres, self.watches, self.contracts, self.exchanges)

    @cached_property
    def following(self) -> Following:
        """Looks at exchanges, and sees to what is owed then."""
        from functions.barter.adapters.following import Following

        settings = self.settings
        return Following(
            self.tasks,
            self.watches,
            self.contracts,
            self.jobs,
            self.calls,
            self.exchanges,
            self.clock,
            posts_trades=settings.posts_trades,
            advances_phases=settings.advances_phases,
        )

    @cached_property
    def indexing(self) -> Indexing:
        """Reads the events of all that are followed."""
        from functions.barter.adapters.indexing import Indexing

        return Indexing(self.kernel.postgres, self.tasks, self.pool, self.watches, self.clock)

    @cached_property
    def proving(self) -> Proving:
        """Works on proofs."""
        from functions.barter.adapters.proving import Proving

        return Proving(
            self.tasks,
            self.watches,
            self.jobs,
            self.kernel.jobs,
            self.exchanges,
            self.clock,
            choice=self.settings.mode,
            posts_trades=self.settings.posts_trades,
        )

    @cached_property
    def posting(self) -> Posting:
        """Records postings of trades."""
        from functions.barter.adapters.posting import Posting

        return Posting(
            self.tasks,
            self.watches,
            self.jobs,
            self.calls,
            self.exchanges,
            settler=self.settings.settler,
            gas_max=self.settings.gas_max,
        )

    @cached_property
    def rechecking(self) -> Rechecking:
        """Transactions that are recorded and not signed."""
        from functions.barter.adapters.rechecking import Rechecking

        return Rechecking(self.kernel.postgres, self.jobs, self.calls, self.exchanges, self.clock)

    @cached_property
    def settling(self) -> Settling:
        """What follows from the end of a transaction."""
        from functions.barter.adapters.settling import Settling

        return Settling(self.watches, self.calls, self.treasury, self.clock)

    @cached_property
    def outbox(self) -> EvmOutbox:
        """Our transactions."""
        from kernel.outbox.evm import EvmOutbox

        return EvmOutbox(
            self.kernel.postgres,
            self.tasks,
            self.pool,
            {self.settings.settler: self._signer},
            self.clock,
            policy=self.settings.outbox_policy,
            switch=self.switch,
        )

    @cached_property
    def treasury(self) -> Treasury:
        """The settler's wallet."""
        from kernel.treasury.treasury import Treasury

        return Treasury(self.kernel.postgres, self._desk, self.clock)

    def _desk(self, chain: str) -> Desk:
        from kernel.evm.transactions import TRANSFER_GAS
        from kernel.treasury.evm import EvmDesk
        from kernel.treasury.wallets import ChainUnknown

        if chain != self.settings.chain:
            raise ChainUnknown(chain=chain)
        return EvmDesk(lambda _: self.outbox, self.pool, self.settings.outbox_policy, transfer_gas=TRANSFER_GAS)

    @cached_property
    def _signer(self) -> Signer:
        return self.kernel.vault.evm_signer(self.settings.settler, purpose=KEY_PURPOSE, chain=self.settings.chain)


class SignerDeps(Deps):
    """What the handler that signs uses."""

    def check(self) -> None:
        """Refuse to start on an old schema, without the KMS key, or on another chain."""
        self.kernel.check(keys=True)
        self.outbox.open_signers()


def build_deps() -> Deps:
    """The dependencies of one container, from the environment. Raises SettingsInvalid."""
    from kernel.wiring import Kernel

    return Deps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def build_signer_deps() -> SignerDeps:
    """The same for functions that sign."""
    from kernel.wiring import Kernel

    return SignerDeps(Kernel.from_environment(role=ROLE), Settings.from_environment())
