"""Registers us as a voter of the next reward epoch: the facts gathered, the decision carried out."""

from collections.abc import Callable

from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.reward_intents import RewardIntents
from functions.oracle.adapters.reward_store import Q, RewardStore
from functions.oracle.adapters.sent import sent_of
from functions.oracle.core.reward_messages import registration_message
from functions.oracle.core.reward_steps import (
    Exhausted,
    Missed,
    Reached,
    Record,
    RegistrationFacts,
    RegistrationStep,
    Wait,
)
from functions.oracle.core.signature import Signature
from kernel.clock import Clock
from kernel.errors import Broken
from kernel.outbox.evm import EvmOutbox
from kernel.postgres import Fence, Postgres
from kernel.tasks import Done, Outcome, Retry, Tasks

Sign = Callable[[bytes], Signature]


class RegistrationRefused(Broken):
    """No transaction of ours registered us for the next reward epoch."""

    cause = "Our vote power is zero, the registry is full of heavier voters, or our addresses changed meanwhile."
    remedy = "Look at the failed transactions' reverts, and register by hand before registration closes."


class Registrations:
    """Registrations of one provider; `signer` is its signing-policy address."""

    def __init__(
        self,
        registry: Registry,
        store: RewardStore,
        postgres: Postgres,
        tasks: Tasks,
        outbox: EvmOutbox,
        intents: RewardIntents,
        clock: Clock,
        *,
        signer: str,
    ) -> None:
        self._registry, self._store, self._postgres, self._tasks = registry, store, postgres, tasks
        self._outbox, self._intents, self._clock, self._signer = outbox, intents, clock, signer

    @property
    def voter(self) -> str:
        """Whom we sign for, in lower-case: our own address where no voter has named it."""
        head = self._registry.systems_manager.pool.head().number
        found: str = self._registry.entities.call("getVoterForSigningPolicyAddress", self._signer, head)
        return found.lower()

    def facts(self, reward_epoch: int) -> RegistrationFacts:
        """A registration as the chain and we know it now."""
        voter, attempts = self.voter, self._store.registration_attempts(reward_epoch)
        _, is_open = self._registry.systems_manager.call("getVoterRegistrationData", reward_epoch)
        return RegistrationFacts(
            is_known=voter != self._signer.lower(),
            is_open=is_open,
            is_registered=self._registry.voter_registry.call("isVoterRegistered", voter, reward_epoch),
            sent=sent_of(self._outbox, self._intents.key("register", reward_epoch, "", attempts), attempts),
            attempts=attempts,
        )

    def act(self, step: RegistrationStep, reward_epoch: int, sign: Sign, *, poll_s: float, fence: Fence) -> Outcome:
        """Record what was decided. Raises RegistrationRefused."""
        if isinstance(step, Exhausted):
            raise RegistrationRefused(reward_epoch=reward_epoch)
        if isinstance(step, Wait):
            return Retry(poll_s, step.reason)
        voter = self.voter
        if isinstance(step, Record):
            signature = sign(registration_message(reward_epoch, voter))
            intent = self._intents.register(reward_epoch, voter, signature, step.attempt)
            with self._postgres.transaction(holding=fence) as tx:
                tx.execute(Q["record_registration"], reward_epoch=reward_epoch, voter=voter, attempt=step.attempt)
                self._outbox.record(tx, intent)
            return Retry(poll_s, "our registration is recorded")
        return self._settle(step, reward_epoch, voter, fence)

    def _settle(self, step: Reached | Missed, reward_epoch: int, voter: str, fence: Fence) -> Outcome:
        state, reason = ("registered", None) if isinstance(step, Reached) else ("missed", step.reason)
        with self._postgres.transaction(holding=fence) as tx:
            told = {"reward_epoch": reward_epoch, "voter": voter, "state": state, "reason": reason}
            tx.execute(Q["settle_registration"], now=self._clock.now(), **told)
            self._tasks.complete(tx, fence)
        return Done({"state": state, "reason": reason})
