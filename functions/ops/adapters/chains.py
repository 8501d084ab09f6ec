"""Owns the chains that the treasury serves: their settings, and the pool, outbox and desk of each, made when asked for.

    [{"chain": "evm:1", "rpc_urls": "secretsmanager:counterpart/live/ops/rpc-urls-evm-1"},
     {"chain": "solana:mainnet", "rpc_urls": "secretsmanager:counterpart/live/ops/rpc-urls-solana"}]

Behind a reference stand the URLs, separated by blanks or line ends, in order of preference.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from kernel.evm.fees import GWEI
from kernel.settings import SecretRef

if TYPE_CHECKING:
    from kernel.chain_events import EvmEvent, SolanaEvent
    from kernel.evm.log_cursor import Watch
    from kernel.evm.rpc import RpcPool
    from kernel.jsonrpc.standings import Standing
    from kernel.outbox.evm import EvmOutbox, OutboxPolicy
    from kernel.outbox.solana import SolanaOutbox, SolanaPolicy
    from kernel.solana.history import ConfirmedTransaction
    from kernel.solana.pool import SolanaPool
    from kernel.solana.program_cursor import ProgramWatch
    from kernel.treasury import KillSwitch
    from kernel.treasury.desks import Desk
    from kernel.watches.hints import Unsettled
    from kernel.wiring import Kernel

#: What the wallets' keys are sealed for.
KEY_PURPOSE = "treasury"


class EvmChain(BaseModel):
    """One EVM chain. `confirmations` null asks for the node's `finalized` tag; fees are wei per gas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chain: str = Field(pattern="^evm:[1-9][0-9]{0,18}$")
    rpc_urls: SecretRef = Field(repr=False)
    confirmations: int | None = Field(default=None, ge=1)
    fee_cap_wei: int = Field(default=500 * GWEI, gt=0)
    tip_cap_wei: int = Field(default=5 * GWEI, gt=0)
    #: The gas limit of a transfer; recipients that are contracts need more than 21 000.
    transfer_gas: int = Field(default=21_000, ge=21_000)
    #: Of an OP-stack chain: the most that a transfer pays beside its gas, set aside with it.
    l1_fee_max_wei: int = Field(default=0, ge=0)
    stuck_after_s: float = Field(default=30, gt=0)
    poll_s: float = Field(default=2, gt=0)

    @property
    def chain_id(self) -> int:
        """The number in the name."""
        return int(self.chain.removeprefix("evm:"))

    def policy(self) -> OutboxPolicy:
        """How its outbox entries are driven."""
        from kernel.evm.fees import FeePolicy
        from kernel.outbox.evm import OutboxPolicy

        fees = FeePolicy(fee_cap_wei=self.fee_cap_wei, tip_cap_wei=self.tip_cap_wei)
        return OutboxPolicy(
            fees=fees, confirmations=self.confirmations, stuck_after_s=self.stuck_after_s, poll_s=self.poll_s
        )


class SolanaCluster(BaseModel):
    """One Solana cluster; prices are micro-lamports a compute unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chain: str = Field(pattern="^solana:(mainnet|devnet|testnet|localnet)$")
    rpc_urls: SecretRef = Field(repr=False)
    price_floor: int = Field(default=1_000, ge=0)
    price_cap: int = Field(default=2_000_000, ge=0)
    #: The compute unit limit of a transfer: it needs 450.
    transfer_units: int = Field(default=1_000, gt=0)
    poll_s: float = Field(default=2, gt=0, le=4)

    @property
    def cluster(self) -> str:
        """The cluster in the name."""
        return self.chain.removeprefix("solana:")

    def policy(self) -> SolanaPolicy:
        """How its outbox entries are driven."""
        from kernel.outbox.solana import SolanaPolicy
        from kernel.solana.fees import SolanaFeePolicy

        fees = SolanaFeePolicy(price_floor=self.price_floor, price_cap=self.price_cap)
        return SolanaPolicy(fees=fees, poll_s=self.poll_s)


def _family(value: object) -> str:
    chain = value.get("chain") if isinstance(value, dict) else getattr(value, "chain", None)
    return str(chain).partition(":")[0]


ChainSettings = Annotated[
    Annotated[EvmChain, Tag("evm")] | Annotated[SolanaCluster, Tag("solana")], Discriminator(_family)
]
S = TypeVar("S", EvmChain, SolanaCluster)


class Chains:
    """The configured chains of one container; vendors are imported where a chain of theirs is first used."""

    def __init__(self, kernel: Kernel, chains: Sequence[EvmChain | SolanaCluster], switch: KillSwitch) -> None:
        self._kernel, self._switch = kernel, switch
        self._chains = {one.chain: one for one in chains}
        self._desks: dict[str, Desk] = {}
        self._evm_pools: dict[str, RpcPool] = {}
        self._solana_pools: dict[str, SolanaPool] = {}

    def __contains__(self, chain: str) -> bool:
        return chain in self._chains

    def desk(self, chain: str) -> Desk:
        """The treasury's desk at a chain. Raises ChainUnknown."""
        if chain not in self._desks:
            self._desks[chain] = self._evm_desk(chain) if chain.startswith("evm:") else self._solana_desk(chain)
        return self._desks[chain]

    def standings(self) -> list[tuple[str, str, Standing]]:
        """Chain, host and standing of every RPC endpoint, after asking each for its head."""
        from kernel.errors import WrongChain

        told: list[tuple[str, str, Standing]] = []
        for chain, settings in self._chains.items():
            pool = self._evm_pool(settings) if isinstance(settings, EvmChain) else self._solana_pool(settings)
            with suppress(WrongChain):
                pool.check()
            told += [(chain, host, standing) for host, standing in pool.standings()]
        return told

    def poll_s(self, chain: str) -> float:
        """How long to wait before a chain is looked at again. Raises ChainUnknown."""
        from kernel.treasury.wallets import ChainUnknown

        if chain not in self._chains:
            raise ChainUnknown(chain=chain)
        return self._chains[chain].poll_s

    def settled(self, told: EvmEvent) -> EvmEvent | Unsettled:
        """The event as the final chain has it. Raises ChainUnknown, NoQuorum, RpcUnavailable."""
        from kernel.watches.hints import settled

        settings = self._settings(f"evm:{told.chain_id}", EvmChain)
        return settled(self._evm_pool(settings), told, settings.confirmations)

    def landed(self, told: SolanaEvent) -> ConfirmedTransaction | Unsettled:
        """The event's transaction as the final cluster has it. Raises ChainUnknown, NoQuorum, RpcUnavailable."""
        from kernel.watches.hints_solana import landed

        return landed(self._solana_pool(self._settings(f"solana:{told.cluster}", SolanaCluster)), told)

    def advance(self, watch: Watch | ProgramWatch, seconds: float) -> None:
        """A turn of the watch's cursor. Raises ChainUnknown, ChainUnread, ClusterUnread, NoQuorum, RpcUnavailable."""
        from kernel.evm import log_cursor
        from kernel.solana import program_cursor

        kernel = self._kernel
        if isinstance(watch, log_cursor.Watch):
            pool = self._evm_pool(self._settings(f"evm:{watch.chain_id}", EvmChain))
            logs = log_cursor.LogCursor(kernel.postgres, kernel.tasks, pool, watch, kernel.clock)
            logs.advance(log_cursor.Budget(seconds=seconds))
        else:
            cluster = self._solana_pool(self._settings(f"solana:{watch.cluster}", SolanaCluster))
            programs = program_cursor.ProgramCursor(kernel.postgres, kernel.tasks, cluster, watch, kernel.clock)
            programs.advance(program_cursor.Budget(seconds=seconds))

    def evm_outbox(self, chain: str, signer: str) -> EvmOutbox:
        """The outbox of an EVM chain, signing for one address. Raises ChainUnknown."""
        from functions.ops.adapters.wallet_signer import WalletSigner
        from kernel.keys.external import ExternalSigner
        from kernel.keys.requests import SignatureRequests
        from kernel.outbox.evm import EvmOutbox

        kernel, settings = self._kernel, self._settings(chain, EvmChain)
        kept = kernel.vault.evm_signer(signer, purpose=KEY_PURPOSE, chain=chain)
        outside = ExternalSigner(SignatureRequests(kernel.postgres, kernel.clock), signer)
        signers = {signer: WalletSigner(kept, outside)}
        return EvmOutbox(
            kernel.postgres,
            kernel.tasks,
            self._evm_pool(settings),
            signers,
            kernel.clock,
            policy=settings.policy(),
            switch=self._switch,
        )

    def evm_outbox_of(self, entry_id: UUID) -> EvmOutbox:
        """The outbox that brings an entry on, whether it is a transfer's or fills a gap. Raises NotFound."""
        from kernel.outbox.evm.store import OutboxStore

        entry = OutboxStore(self._kernel.postgres).entry(entry_id)
        return self.evm_outbox(f"evm:{entry.chain_id}", entry.signer)

    def solana_outbox(self, chain: str, payer: str) -> SolanaOutbox:
        """The same of a Solana cluster."""
        from kernel.outbox.solana import SolanaOutbox

        kernel, settings = self._kernel, self._settings(chain, SolanaCluster)
        signers = {payer: kernel.vault.solana_signer(payer, purpose=KEY_PURPOSE, chain=chain)}
        return SolanaOutbox(
            kernel.postgres,
            kernel.tasks,
            self._solana_pool(settings),
            signers,
            kernel.clock,
            policy=settings.policy(),
            switch=self._switch,
        )

    def _evm_desk(self, chain: str) -> Desk:
        from kernel.treasury.evm import EvmDesk

        settings = self._settings(chain, EvmChain)
        return EvmDesk(
            lambda signer: self.evm_outbox(chain, signer),
            self._evm_pool(settings),
            settings.policy(),
            transfer_gas=settings.transfer_gas,
            l1_fee_max_wei=settings.l1_fee_max_wei,
        )

    def _solana_desk(self, chain: str) -> Desk:
        from kernel.treasury.solana import SolanaDesk

        settings = self._settings(chain, SolanaCluster)
        return SolanaDesk(
            lambda payer: self.solana_outbox(chain, payer),
            self._solana_pool(settings),
            settings.policy(),
            cluster=settings.cluster,
            transfer_units=settings.transfer_units,
        )

    def _settings(self, chain: str, kind: type[S]) -> S:
        from kernel.treasury.wallets import ChainUnknown

        found = self._chains.get(chain)
        if not isinstance(found, kind):
            raise ChainUnknown(chain=chain)
        return found

    def _evm_pool(self, settings: EvmChain) -> RpcPool:
        from kernel.evm.rpc import RpcPool

        if settings.chain not in self._evm_pools:
            urls = self._kernel.secrets.resolve(settings.rpc_urls).get_secret_value().split()
            self._evm_pools[settings.chain] = RpcPool(
                urls, settings.chain_id, self._kernel.clock, health=self._kernel.breakers
            )
        return self._evm_pools[settings.chain]

    def _solana_pool(self, settings: SolanaCluster) -> SolanaPool:
        if settings.chain not in self._solana_pools:
            self._solana_pools[settings.chain] = self._kernel.solana_pool(settings.rpc_urls, settings.cluster)
        return self._solana_pools[settings.chain]
