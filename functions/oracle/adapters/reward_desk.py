"""One provider's dealings with reward epochs, assembled: what its handlers gather and act with.

What a handler does not use is not imported for it: planning needs no numpy, recording no key.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, Protocol

from functions.oracle.adapters.registry import Registry
from functions.oracle.core.reward_plan import RewardCalendar
from kernel.errors import Broken
from kernel.tasks import Done, Fence, Tasks

if TYPE_CHECKING:
    from functions.oracle.adapters.evidence import Evidence
    from functions.oracle.adapters.flare import Flare
    from functions.oracle.adapters.registration import Registrations
    from functions.oracle.adapters.reward_claiming import RewardClaiming
    from functions.oracle.adapters.reward_evidence import RecordedRound
    from functions.oracle.adapters.reward_intents import RewardIntents
    from functions.oracle.adapters.reward_store import RewardStore
    from functions.oracle.adapters.rewarding import Rewarding
    from functions.oracle.adapters.round_history import RoundHistory
    from functions.oracle.core.epochs import VotingEpoch
    from kernel.evm.blocks import Head
    from kernel.evm.rpc import RpcPool
    from kernel.outbox.evm import EvmOutbox
    from kernel.wiring import Kernel

#: Reward epochs before the present one that are looked at.
EPOCHS_BACK = 2


class NoDesk(Broken):
    """The oracle moves no money by the treasury."""

    cause = "A transfer was asked of a treasury that only books what rewards bring."
    remedy = "Transfer with POST /v1/ops/treasury/transfers."


class Parts(Protocol):
    """What is needed of the slice's dependencies."""

    @property
    def kernel(self) -> Kernel: ...
    @property
    def pool(self) -> RpcPool: ...
    @property
    def flare(self) -> Flare: ...
    @property
    def evidence(self) -> Evidence: ...
    @property
    def history(self) -> RoundHistory: ...
    @property
    def tasks(self) -> Tasks: ...
    @property
    def outbox(self) -> EvmOutbox: ...


class RewardDesk:
    """signer: the signing-policy address. sender: the address that pays for what is sent. Either needs our keys."""

    def __init__(
        self, parts: Parts, registry_address: str, *, signer: Callable[[], str], sender: Callable[[], str]
    ) -> None:
        self._parts, self._signer, self._sender = parts, signer, sender
        self._registry = Registry(parts.pool, registry_address)

    def calendar(self) -> RewardCalendar:
        """Where the chain stands now."""
        manager, relay = self._registry.systems_manager, self._registry.relay
        reward_epoch = manager.call("getCurrentRewardEpochId")
        first, start = reward_epoch, relay.call("startingVotingRoundIds", reward_epoch)
        while reward_epoch - first < EPOCHS_BACK and first > 0:
            earlier = relay.call("startingVotingRoundIds", first - 1)
            if not earlier:
                break
            first, start = first - 1, earlier
        _, is_open = manager.call("getVoterRegistrationData", reward_epoch + 1)
        return RewardCalendar(
            network=self._parts.flare.network,
            reward_epoch=reward_epoch,
            first_reward_epoch=first,
            first_round=start,
            is_registration_open=is_open,
        )

    def record(self, voting_round: VotingEpoch, head: Head) -> RecordedRound:
        """What the rewards of a round follow from. Raises WindowStillOpen."""
        from functions.oracle.adapters.reward_evidence import RewardEvidence

        parts = self._parts
        return RewardEvidence(self._registry, parts.flare, parts.evidence, parts.history).record(voting_round, head)

    def keep(self, recorded: RecordedRound, *, fence: Fence) -> Done:
        """Store the record and end its task."""
        from functions.oracle.adapters.reward_store import insert_round

        with self._parts.kernel.postgres.transaction(holding=fence) as tx:
            insert_round(tx, recorded.reward_epoch, recorded.round, recorded.feed_count, recorded.head.number)
            self._parts.tasks.complete(tx, fence)
        return Done()

    @cached_property
    def store(self) -> RewardStore:
        """What is stored of rewards."""
        from functions.oracle.adapters.reward_store import RewardStore

        return RewardStore(self._parts.kernel.postgres)

    @cached_property
    def registrations(self) -> Registrations:
        """Registers us."""
        from functions.oracle.adapters.registration import Registrations

        kernel, parts = self._parts.kernel, self._parts
        return Registrations(
            self._registry,
            self.store,
            kernel.postgres,
            parts.tasks,
            parts.outbox,
            self._intents,
            kernel.clock,
            signer=self._signer(),
        )

    @cached_property
    def rewarding(self) -> Rewarding:
        """Computes and signs rewards."""
        from functions.oracle.adapters.rewarding import Rewarding

        kernel, parts = self._parts.kernel, self._parts
        return Rewarding(
            self._registry,
            parts.flare,
            self.store,
            kernel.postgres,
            parts.tasks,
            parts.outbox,
            self._intents,
            kernel.clock,
            signer=self._signer(),
            sender=self._sender(),
        )

    @cached_property
    def claiming(self) -> RewardClaiming:
        """Claims them."""
        from functions.oracle.adapters.reward_claiming import RewardClaiming
        from kernel.treasury.treasury import Treasury

        kernel, parts = self._parts.kernel, self._parts
        return RewardClaiming(
            self._registry,
            self.store,
            kernel.postgres,
            parts.tasks,
            parts.outbox,
            self._intents,
            Treasury(kernel.postgres, _no_desk, kernel.clock),
            kernel.clock,
        )

    @cached_property
    def _intents(self) -> RewardIntents:
        from functions.oracle.adapters.reward_intents import RewardIntents

        network = self._parts.flare.network.name
        return RewardIntents(self._registry, network=network, sender=self._sender(), signer=self._signer())


def _no_desk(chain: str) -> NoReturn:
    raise NoDesk(chain=chain)
