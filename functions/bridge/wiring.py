"""The bridge's configuration and dependencies; the only file of the slice that reads the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from functions.bridge.adapters.origin_settings import AnyOrigin, Origins
from kernel.evm.fees import GWEI
from kernel.evm.settings import EvmAddress
from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.bridge.adapters.claiming import Claiming
    from functions.bridge.adapters.closing import Closings
    from functions.bridge.adapters.deciding import Deciding
    from functions.bridge.adapters.filling import Filling
    from functions.bridge.adapters.following import Following
    from functions.bridge.adapters.indexing import Indexing
    from functions.bridge.adapters.market import Ether
    from functions.bridge.adapters.orders import Orders
    from functions.bridge.adapters.origin import Origin
    from functions.bridge.adapters.overview import Overview
    from functions.bridge.adapters.posting import Posts
    from functions.bridge.adapters.rebalancing import Rebalancing
    from functions.bridge.adapters.rechecking import Rechecking
    from functions.bridge.adapters.registry import Registry
    from functions.bridge.adapters.retrying import Retrying
    from functions.bridge.adapters.settling import Settling
    from functions.bridge.core.policy import Limits
    from kernel.evm.rpc import RpcPool
    from kernel.keys.evm import Signer
    from kernel.outbox.evm import EvmOutbox, OutboxPolicy
    from kernel.treasury.desks import Desk
    from kernel.treasury.treasury import Treasury
    from kernel.tunables import Tunables
    from kernel.wiring import Kernel

ROLE = "counterpart_bridge"
#: What the signer's key is sealed for: it is a wallet of the treasury.
KEY_PURPOSE = "treasury"


def _from_json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


class Settings(FrozenSettings):
    """One registry on L1, one signer there, and the origins whose orders it fills."""

    model_config = SettingsConfigDict(env_prefix="COUNTERPART_BRIDGE_", frozen=True, hide_input_in_errors=True)

    #: The number that L1 gives for itself; another one is refused.
    l1_chain_id: int = Field(gt=0)
    #: Separated by blanks or line ends, in order of preference. A URL may carry a credential, hence a reference.
    l1_rpc_urls: SecretRef
    #: How many blocks make one of L1 final, its own included; empty asks for the `finalized` tag.
    l1_confirmations: int | None = Field(default=None, ge=1)
    #: Wei per gas. The first is what a payment reserves for its fee, and where an operator is called.
    l1_fee_cap_wei: int = Field(default=200 * GWEI, gt=0)
    l1_tip_cap_wei: int = Field(default=5 * GWEI, gt=0)
    #: A transaction that is not mined by then is replaced at a higher fee.
    l1_stuck_after_s: float = Field(default=30, gt=0)
    #: How often a sent transaction is looked for.
    l1_poll_s: float = Field(default=2, gt=0, le=30)

    #: The payment registry on L1.
    registry_address: EvmAddress
    #: The generation of its ABI.
    registry_version: int = Field(ge=1, le=2)
    #: Where it was deployed, or any block before: its events are searched down to there.
    registry_block: int = Field(default=0, ge=0)
    #: Pays and claims: a wallet of the treasury's, declared for this service, whose key the vault keeps.
    signer: EvmAddress
    #: JSON, as functions/bridge/adapters/origin_settings.py describes it.
    origins: Annotated[Origins, NoDecode, BeforeValidator(_from_json)] = ()

    #: JSON object origin -> the operator's address there, to which earnings above the wallet's target are sent.
    collect_to: Annotated[dict[str, str], NoDecode, BeforeValidator(_from_json)] = Field(default={})

    #: Claims gather for so long.
    claim_every_s: int = Field(default=60, ge=1, le=86_400)
    #: How often an escrow is asked whether it has closed an order.
    close_every_s: float = Field(default=15, gt=0)
    #: An escrow that has not closed an order so long, and twice its network's finality, after its claim is told again.
    message_timeout_s: float = Field(default=6 * 3_600, gt=0)
    #: A decision older than this pays nothing; at half this age it is made anew first.
    decision_s: float = Field(default=30, gt=0)

    @property
    def l1_chain(self) -> str:
        """L1 as the treasury names it."""
        return f"evm:{self.l1_chain_id}"

    @property
    def l1_asset(self) -> str:
        """Its ether as the ledger names it."""
        return f"{self.l1_chain}:native"

    @property
    def outbox_policy(self) -> OutboxPolicy:
        """How our transactions are driven."""
        from kernel.evm.fees import FeePolicy
        from kernel.outbox.evm import OutboxPolicy

        return OutboxPolicy(
            fees=FeePolicy(fee_cap_wei=self.l1_fee_cap_wei, tip_cap_wei=self.l1_tip_cap_wei),
            confirmations=self.l1_confirmations,
            stuck_after_s=self.l1_stuck_after_s,
            poll_s=self.l1_poll_s,
        )


class Deps(KernelDeps):
    """What the bridge's handlers use, each made when it is first asked for."""

    def __init__(
        self,
        kernel: Kernel,
        settings: Settings,
        *,
        origins: Mapping[str, Origin] | None = None,
        registry: Registry | None = None,
        ether: Ether | None = None,
    ) -> None:
        """The last three replace the chains' and the oracle's words."""
        super().__init__(kernel)
        self.settings = settings
        self._origins, self._registry, self._ether = origins, registry, ether

    @cached_property
    def l1(self) -> RpcPool:
        """L1's RPC endpoints."""
        from kernel.evm.rpc import RpcPool

        urls = self.urls(self.settings.l1_rpc_urls)
        return RpcPool(urls, self.settings.l1_chain_id, self.clock, health=self.kernel.breakers)

    @cached_property
    def registry(self) -> Registry:
        """The payment registry."""
        from functions.bridge.adapters.registry import Registry

        settings = self.settings
        return self._registry or Registry(
            self.l1,
            settings.registry_address,
            settings.registry_version,
            first_block=settings.registry_block,
            confirmations=settings.l1_confirmations,
        )

    @cached_property
    def origins(self) -> Mapping[str, Origin]:
        """The origins, by name."""
        if self._origins is not None:
            return self._origins
        return {one.name: self._origin(one) for one in self.settings.origins}

    @cached_property
    def ether(self) -> Ether:
        """What one ether is worth."""
        from functions.bridge.adapters.market import EtherPrice

        return self._ether or EtherPrice(self.kernel.postgres)

    @cached_property
    def tunables(self) -> Tunables:
        """What operators tune."""
        from functions.bridge.adapters.limits import TUNABLES
        from kernel.tunables import Tunables

        return Tunables(self.kernel.postgres, TUNABLES, self.clock)

    @property
    def limits(self) -> Limits:
        """What we take upon us, as it is tuned now."""
        from functions.bridge.adapters.limits import limits_of

        return limits_of(self.tunables)

    @cached_property
    def orders(self) -> Orders:
        """Orders, stored."""
        from functions.bridge.adapters.news import News
        from functions.bridge.adapters.orders import Orders

        news = News(self.kernel.realtime, self.kernel.webhooks)
        return Orders(self.tasks, self.clock, claim_every_s=self.settings.claim_every_s, tell=news.told)

    @cached_property
    def posts(self) -> Posts:
        """The bridge's part of the books."""
        from functions.bridge.adapters.posting import Posts

        return Posts(self.orders, self.clock, l1=self.settings.l1_asset)

    @cached_property
    def outbox(self) -> EvmOutbox:
        """Our transactions."""
        from kernel.outbox.evm import EvmOutbox

        return EvmOutbox(
            self.kernel.postgres,
            self.tasks,
            self.l1,
            {self.settings.signer: self._signer},
            self.clock,
            policy=self.settings.outbox_policy,
            switch=self.switch,
        )

    @cached_property
    def treasury(self) -> Treasury:
        """The signer's wallet, and the wallets on the origins."""
        from kernel.treasury.treasury import Treasury

        return Treasury(self.kernel.postgres, self._desk, self.clock)

    @cached_property
    def indexing(self) -> Indexing:
        """Takes in deposits."""
        from functions.bridge.adapters.indexing import Indexing

        return Indexing(self.tasks, self.orders, self.posts, self.origins)

    @cached_property
    def deciding(self) -> Deciding:
        """Decides about orders."""
        from functions.bridge.adapters.deciding import Deciding

        return Deciding(
            self.kernel.postgres,
            self.orders,
            self.posts,
            self.origins,
            self.registry,
            self.ether,
            self.switch,
            self.clock,
            signer=self.settings.signer,
            renew_s=self.settings.decision_s / 2,
        )

    @cached_property
    def filling(self) -> Filling:
        """Records payments."""
        from functions.bridge.adapters.filling import Filling

        return Filling(
            self.orders,
            self.posts,
            self.origins,
            self.registry,
            self.treasury,
            self.clock,
            l1_chain=self.settings.l1_chain,
            signer=self.settings.signer,
            decision_s=self.settings.decision_s,
        )

    @cached_property
    def rechecking(self) -> Rechecking:
        """Payments that are recorded and not signed."""
        from functions.bridge.adapters.rechecking import Rechecking

        return Rechecking(self.kernel.postgres, self.orders, self.origins, self.registry, self.clock)

    @cached_property
    def claiming(self) -> Claiming:
        """Records claims."""
        from functions.bridge.adapters.claiming import Claiming

        return Claiming(
            self.kernel.postgres,
            self.orders,
            self.origins,
            self.registry,
            self.treasury,
            l1_chain=self.settings.l1_chain,
            signer=self.settings.signer,
        )

    @cached_property
    def closing(self) -> Closings:
        """Waits for escrows."""
        from functions.bridge.adapters.closing import Closings

        return Closings(
            self.kernel.postgres,
            self.orders,
            self.posts,
            self.origins,
            self.treasury,
            self.clock,
            every_s=self.settings.close_every_s,
            timeout_s=self.settings.message_timeout_s,
        )

    @cached_property
    def settling(self) -> Settling:
        """What follows from the end of a transaction."""
        from functions.bridge.adapters.settling import Settling

        return Settling(self.orders, self.posts, self.treasury, self.clock)

    @cached_property
    def following(self) -> Following:
        """The turns of the origins' cursors."""
        from functions.bridge.adapters.following import Following

        return Following(self.kernel.postgres, self.origins, self.clock)

    @cached_property
    def retrying(self) -> Retrying:
        """What failed, anew."""
        from functions.bridge.adapters.retrying import Retrying
        from kernel.audit import Audit

        audit = Audit(self.kernel.postgres, self.clock)
        return Retrying(postgres=self.kernel.postgres, orders=self.orders, audit=audit)

    @cached_property
    def rebalancing(self) -> Rebalancing:
        """Our money, where it should be."""
        from functions.bridge.adapters.rebalancing import Rebalancing

        return Rebalancing(
            self.kernel.postgres,
            self.treasury,
            self._desk,
            self.switch,
            self.origins,
            self.clock,
            l1_chain=self.settings.l1_chain,
            signer=self.settings.signer,
            collect_to=self.settings.collect_to,
        )

    @cached_property
    def overview(self) -> Overview:
        """What is shown of orders, quotes and books."""
        from functions.bridge.adapters.overview import Overview

        return Overview(self)

    def _origin(self, settings: AnyOrigin) -> Origin:
        from functions.bridge.adapters.origins import origin_of

        return origin_of(self, settings, self.urls(settings.rpc_urls))

    def _desk(self, chain: str) -> Desk:
        from functions.bridge.adapters.origins import desk_of, l1_desk

        return l1_desk(self) if chain == self.settings.l1_chain else desk_of(self, chain)

    @cached_property
    def _signer(self) -> Signer:
        return self.kernel.vault.evm_signer(self.settings.signer, purpose=KEY_PURPOSE, chain=self.settings.l1_chain)

    def urls(self, reference: str) -> list[str]:
        """RPC URLs behind a reference."""
        return self.kernel.secrets.resolve(reference).get_secret_value().split()


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
