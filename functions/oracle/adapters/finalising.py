"""Finalisation, its facts gathered and its decision carried out."""

from functions.oracle.adapters.flare import Flare
from functions.oracle.adapters.intents import Intents
from functions.oracle.adapters.round_tasks import RoundTask
from functions.oracle.adapters.rounds import Rounds
from functions.oracle.adapters.voters import Electorate
from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.finalisation import (
    Contradicted,
    Decision,
    FinalisationFacts,
    Finalised,
    NotYet,
    Void,
)
from functions.oracle.core.signature import SignaturePayload
from functions.oracle.core.submissions import deposits_of
from kernel.clock import Clock
from kernel.errors import Broken
from kernel.outbox.evm import EvmOutbox
from kernel.tasks import Outcome, Retry, Skipped, Task


class RootDiffers(Broken):
    """The relay keeps another Merkle root for a round than the one we computed."""

    cause = "Our reading of the chain, our weights or feed order, or our release differs from most voters'."
    remedy = "Compare the round's feeds, weights and offenders with another provider's before the next reward epoch."


class Finalising:
    """Finalises rounds for one provider; `ourselves` is its signing-policy address."""

    def __init__(
        self, flare: Flare, rounds: Rounds, outbox: EvmOutbox, intents: Intents, clock: Clock, *, ourselves: str
    ) -> None:
        self._flare, self._rounds, self._outbox, self._intents = flare, rounds, outbox, intents
        self._clock, self._ourselves = clock, ourselves.lower()

    def facts(self, voting_round: VotingEpoch) -> FinalisationFacts:
        """A round as the chain and we know it now."""
        electorate = self._flare.electorate(self._flare.reward_epoch_of(voting_round.number))
        root = self._flare.finalised_root(voting_round.number)
        under_way = self._outbox.entry(self._intents.business_key("finalise", voting_round.number)) is not None
        result = self._rounds.result(voting_round.number)
        message = None if result is None else result.message
        # Reading whole blocks is dear, and pointless while the deposits decide nothing.
        deposits_matter = root is None and not under_way and message is not None
        return FinalisationFacts(
            voting_round=voting_round,
            now_s=self._clock.time_s(),
            root=root,
            under_way=under_way,
            message=message,
            void=result is not None and message is None,
            policy=electorate.policy,
            deposits=self._deposits(voting_round, electorate) if deposits_matter else (),
            ourselves=self._ourselves,
        )

    def act(self, decision: Decision, facts: FinalisationFacts, task: Task[RoundTask], *, poll_s: float) -> Outcome:
        """Record what was decided. A round that has a result ends only with a root on the relay. Raises RootDiffers."""
        number = facts.voting_round.number
        if isinstance(decision, Finalised):
            return self._rounds.record_finalised(number, fence=task.fence)
        if isinstance(decision, Contradicted):
            self._rounds.record_contradicted(number, fence=task.fence)
            raise RootDiffers(voting_round=number, relay=facts.root.hex() if facts.root else None)
        if isinstance(decision, Void):
            return Skipped("nobody revealed validly, so the round has no result")
        if isinstance(decision, NotYet):
            return Retry(decision.after_s, decision.reason)
        intent = self._intents.relay(number, decision.calldata, decision.signature_count, task.expires_at)
        self._rounds.record_relaying(intent, fence=task.fence)
        return Retry(poll_s, "our relay transaction is recorded")

    def _deposits(self, voting_round: VotingEpoch, electorate: Electorate) -> tuple[SignaturePayload, ...]:
        deposits = deposits_of(self._flare.deposits(voting_round, self._flare.head()), voting_round)
        registered = set(electorate.submit_signatures_addresses)
        return tuple(deposit for sender, deposit in deposits.items() if sender in registered)
