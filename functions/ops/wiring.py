"""The ops slice's configuration and dependencies; the only file of the slice that reads the environment."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode, SettingsConfigDict

from functions.ops.adapters.chains import ChainSettings
from functions.ops.adapters.hook_settings import HookSettings
from functions.ops.adapters.pinning import PinningSettings
from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.ops.adapters.arrivals import Arrivals
    from functions.ops.adapters.chains import Chains
    from functions.ops.adapters.conversations import Conversations
    from functions.ops.adapters.health import Vitals
    from functions.ops.adapters.hooks import Intake
    from functions.ops.adapters.news import News
    from kernel.audit import Audit
    from kernel.gauges import Gauges
    from kernel.keys.requests import SignatureRequests
    from kernel.offload import Offload
    from kernel.outbox.evm import OutboxEntry
    from kernel.outbox.solana import SolanaEntry
    from kernel.outbox.withdrawal import Withdrawals
    from kernel.pinning import Replication
    from kernel.postgres import Partitions, Transaction
    from kernel.realtime import Realtime, Registry
    from kernel.realtime.pusher import Pusher
    from kernel.tasks import DeadLetters
    from kernel.trace import Traces
    from kernel.treasury.checking import Checks
    from kernel.treasury.deposits import Deposits
    from kernel.treasury.movements import Ending
    from kernel.treasury.treasury import Treasury
    from kernel.tunables import Tunables
    from kernel.webhooks.deliveries import Deliveries
    from kernel.webhooks.endpoints import Endpoints
    from kernel.webhooks.post import Post
    from kernel.wiring import Kernel

ROLE = "counterpart_ops"


def _from_json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


class Settings(FrozenSettings):
    """Where the treasury's wallets are, and who sends webhooks."""

    model_config = SettingsConfigDict(env_prefix="COUNTERPART_OPS_")

    #: A JSON list of objects as functions/ops/adapters/chains.py describes them, one a chain; RPC URLs by reference.
    chains: Annotated[tuple[ChainSettings, ...], NoDecode, BeforeValidator(_from_json)] = ()
    #: A JSON list of objects as functions/ops/adapters/hooks.py describes them, one a secret; secrets by reference.
    hooks: Annotated[tuple[HookSettings, ...], NoDecode, BeforeValidator(_from_json)] = ()
    #: A JSON list of objects as functions/ops/adapters/pinning.py describes them, one a service; secrets by reference.
    pinning: Annotated[tuple[PinningSettings, ...], NoDecode, BeforeValidator(_from_json)] = ()
    #: The Modal app with the GPU functions; "" where everything is computed in process.
    modal_app: str = ""
    #: Where its <token id>:<token secret> is.
    modal_token: SecretRef | None = None


class Deps(KernelDeps):
    """What the ops handlers use."""

    def __init__(self, kernel: Kernel, settings: Settings | None = None, *, post: Post | None = None) -> None:
        """The last replaces the network to receivers of webhooks."""
        super().__init__(kernel)
        self.settings, self._post = settings or Settings(), post

    @cached_property
    def audit(self) -> Audit:
        """The record of privileged acts."""
        from kernel.audit import Audit

        return Audit(self.kernel.postgres, self.clock)

    @cached_property
    def tunables(self) -> Tunables:
        """The thresholds of the kernel's rooms."""
        from kernel.breaker import TUNABLES
        from kernel.offload.rates import TUNABLES as OFFLOAD_TUNABLES
        from kernel.tunables import Tunables

        return Tunables(self.kernel.postgres, (*TUNABLES, *OFFLOAD_TUNABLES), self.clock)

    @cached_property
    def traces(self) -> Traces:
        """What became of a business key."""
        from kernel.trace import Traces

        return Traces(self.kernel.postgres)

    @cached_property
    def gauges(self) -> Gauges:
        """What every room holds."""
        from kernel.gauges import Gauges

        return Gauges(self.kernel.postgres, self.clock)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Messages that were given up."""
        from kernel.tasks import DeadLetters

        return DeadLetters(self.tasks)

    @cached_property
    def signatures(self) -> SignatureRequests:
        """What outside signers are asked to sign."""
        from kernel.keys.requests import SignatureRequests

        return SignatureRequests(self.kernel.postgres, self.clock)

    @cached_property
    def partitions(self) -> Partitions:
        """Daily partitions of the tables that are registered for them."""
        from kernel.postgres import Partitions

        return Partitions(self.kernel.postgres, self.clock)

    @cached_property
    def withdrawals(self) -> Withdrawals:
        """Obligations that nobody wants any more."""
        from kernel.outbox.withdrawal import Withdrawals

        return Withdrawals(self.kernel.postgres, self.clock)

    @cached_property
    def chains(self) -> Chains:
        """The chains that wallets are on."""
        from functions.ops.adapters.chains import Chains

        return Chains(self.kernel, self.settings.chains, self.switch)

    @cached_property
    def treasury(self) -> Treasury:
        """Operators' wallets, and the movements of their money."""
        from kernel.treasury.treasury import Treasury

        return Treasury(self.kernel.postgres, self.chains.desk, self.clock)

    @cached_property
    def deposits(self) -> Deposits:
        """Money from outside that a chain tells of."""
        from functions.ops.adapters.arrivals import KIND as TAKE_DEPOSIT
        from kernel.treasury.deposits import Deposits

        return Deposits(self.kernel.postgres, self.treasury, self.chains.desk, self.clock, kind=TAKE_DEPOSIT)

    @cached_property
    def arrivals(self) -> Arrivals:
        """What comes in through inlets."""
        from functions.ops.adapters.arrivals import Arrivals

        return Arrivals(self.chains, self.deposits, self.news)

    @cached_property
    def news(self) -> News:
        """What administrators who are connected are told of money."""
        from functions.ops.adapters.news import News

        return News(self.kernel.realtime, self.kernel.webhooks)

    @cached_property
    def vitals(self) -> Vitals:
        """How every dependency stands."""
        from functions.ops.adapters.health import Vitals
        from kernel.offload.modal import MODAL

        return Vitals(self.kernel, self.chains, providers=(MODAL,) if self.settings.modal_app else ())

    @cached_property
    def intake(self) -> Intake:
        """The intake of chain webhooks."""
        from functions.ops.adapters.hooks import Intake

        return Intake(self.kernel, self.settings.hooks)

    @cached_property
    def webhook_endpoints(self) -> Endpoints:
        """Who is told by webhooks."""
        from kernel.webhooks.endpoints import Endpoints

        return Endpoints(self.kernel.postgres, self.kernel.envelope, self.clock, local=self._is_local)

    @cached_property
    def deliveries(self) -> Deliveries:
        """The way of webhooks to their receivers."""
        from kernel.webhooks.deliveries import Deliveries
        from kernel.webhooks.post import Post

        post = self._post or Post(local=self._is_local)
        return Deliveries(self.kernel.postgres, self.tasks, self.kernel.envelope, post, self.clock)

    @property
    def _is_local(self) -> bool:
        from kernel.settings import PLAIN_STAGES

        return self.kernel.settings.stage in PLAIN_STAGES

    @cached_property
    def replication(self) -> Replication:
        """The copies of what is pinned."""
        from functions.ops.adapters.pinning import replication

        return replication(self.kernel, self.settings.pinning)

    @cached_property
    def checks(self) -> Checks:
        """Reconciliation, floors and top-ups."""
        from kernel.treasury.checking import Checks

        return Checks(self.kernel.postgres, self.treasury, self.chains.desk, self.switch, self.clock)

    @cached_property
    def offload(self) -> Offload:
        """Offloaded jobs, and those who compute them."""
        from functions.ops.adapters.offload import offload

        return offload(self.kernel, self.tunables, self.settings.modal_app, self.settings.modal_token)


class SignerDeps(Deps):
    """What the handlers that sign use."""

    def evm_ended(self, tx: Transaction, entry: OutboxEntry) -> None:
        """Book how an outbox entry ended, and tell of a transfer's end once that is committed."""
        from kernel.treasury.evm import ending_of

        self.ended(tx, ending_of(entry))

    def solana_ended(self, tx: Transaction, entry: SolanaEntry) -> None:
        """The same of a Solana cluster's entry."""
        from kernel.treasury.solana import ending_of

        self.ended(tx, ending_of(entry))

    def ended(self, tx: Transaction, ending: Ending) -> None:
        """Book an ending."""
        transfer = self.treasury.settled(tx, ending)
        if transfer is not None:
            self.news.ended(tx, transfer, ending)

    def check(self) -> None:
        """Refuse to start on an old schema or without the KMS key."""
        self.kernel.check(keys=True)


class RealtimeDeps(KernelDeps):
    """What the WebSocket handlers use: Redis, the way to clients, and no database."""

    def __init__(self, kernel: Kernel, *, registry: Registry | None = None, pusher: Pusher | None = None) -> None:
        """The last two replace Upstash and API Gateway."""
        super().__init__(kernel)
        self._registry, self._pusher = registry, pusher

    @cached_property
    def registry(self) -> Registry:
        """Who is connected, and reads what."""
        return self._registry or self.kernel.registry

    @cached_property
    def pusher(self) -> Pusher:
        """The way to clients."""
        from kernel.realtime.pusher import ApiGatewayPusher

        return self._pusher or ApiGatewayPusher(self.kernel.settings.realtime_url)

    @cached_property
    def realtime(self) -> Realtime:
        """Publication and fan-out."""
        from kernel.realtime import Realtime
        from kernel.realtime.fan_out import FanOut

        fan_out = FanOut(self.registry, self.pusher, self.clock)
        return Realtime(self.registry, self.kernel.queues, self.clock, fan_out=fan_out)

    @cached_property
    def conversations(self) -> Conversations:
        """What is said with clients."""
        from functions.ops.adapters.conversations import Conversations

        return Conversations(
            self.registry, self.realtime, self.pusher, lambda: self.kernel.tokens, self.kernel.limiter, self.clock
        )

    def check(self) -> None:
        """Nothing to check: the registry may be lost."""


def build_deps() -> Deps:
    """The dependencies of one container, from the environment. Raises SettingsInvalid."""
    from kernel.wiring import Kernel

    return Deps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def build_signer_deps() -> SignerDeps:
    """The same for functions that sign."""
    from kernel.wiring import Kernel

    return SignerDeps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def build_realtime_deps() -> RealtimeDeps:
    """The dependencies of one container that serves WebSockets, from the environment."""
    from kernel.wiring import Kernel

    return RealtimeDeps(Kernel.from_environment(role=ROLE))
