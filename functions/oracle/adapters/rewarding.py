"""The rewards of an ended reward epoch: computed from the records of its rounds, signed, and compared with the chain's.

All rounds are needed, and those after the epoch up to the first secure random number. What is not recorded yet is asked
for, and waited for.
"""

from collections.abc import Callable
from typing import Final

from functions.oracle.adapters.fast_updates import FastUpdates
from functions.oracle.adapters.flare import Flare
from functions.oracle.adapters.offers import offered_terms
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.reward_intents import RewardIntents
from functions.oracle.adapters.reward_store import Q, RewardStore, StoredEpoch, insert_epoch
from functions.oracle.adapters.reward_tasks import reward_specs
from functions.oracle.adapters.sent import sent_of
from functions.oracle.core.reward_claims import ClaimType, Provider, claim_tree
from functions.oracle.core.reward_epoch import EpochRewards, RewardVoter, epoch_rewards
from functions.oracle.core.reward_messages import rewards_message
from functions.oracle.core.reward_plan import plan_claims, plan_records
from functions.oracle.core.reward_rules import rules_of
from functions.oracle.core.reward_steps import (
    Compute,
    Contradicted,
    Exhausted,
    Missed,
    Reached,
    Record,
    RewardFacts,
    RewardStep,
    Wait,
)
from functions.oracle.core.reward_terms import Terms
from functions.oracle.core.rewarded_feed import LOOKAHEAD_ROUNDS
from functions.oracle.core.signature import Signature
from kernel.clock import Clock
from kernel.errors import Broken
from kernel.evm.blocks import hexadecimal
from kernel.outbox.evm import EvmOutbox
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks

Sign = Callable[[bytes], Signature]
NO_ROOT: Final = bytes(32)
#: Where a network has these, attestations and validators are rewarded under the same root.
OTHER_PROTOCOLS: Final = ("FdcHub", "ValidatorRewardOffersManager")
#: Rounds that are asked for at once where records are missing.
RECORDS_AT_ONCE: Final = 200
LONG_WAIT_FACTOR: Final = 30


class RewardsDiffer(Broken):
    """The voters agreed on other rewards than those that we computed."""

    cause = "Our reading of the chain, our rules or our release differs from most voters', or uptime of nodes counts."
    remedy = "Compare our claims with those that were published for the reward epoch, and claim by hand with theirs."


class RewardsUnsigned(Broken):
    """No transaction of ours signed the rewards of a reward epoch."""

    cause = "Every attempt reverted, and yet the voters have not agreed."
    remedy = "Look at the failed transactions' reverts; where only uptime is not signed yet, replay the task later."


class Rewarding:
    """Rewards for one provider. `ours`: our addresses in a reward epoch to the types of claims that we claim."""

    def __init__(
        self,
        registry: Registry,
        flare: Flare,
        store: RewardStore,
        postgres: Postgres,
        tasks: Tasks,
        outbox: EvmOutbox,
        intents: RewardIntents,
        clock: Clock,
        *,
        signer: str,
        sender: str,
    ) -> None:
        self._registry, self._flare, self._store, self._postgres = registry, flare, store, postgres
        self._tasks, self._outbox, self._intents, self._clock = tasks, outbox, intents, clock
        self._signer, self._sender = signer.lower(), sender.lower()

    def facts(self, reward_epoch: int) -> RewardFacts:
        """The rewards of a reward epoch as the chain and we know them now."""
        stored = self._store.epoch(reward_epoch)
        attempts = 0 if stored is None else stored.attempts
        manager = self._registry.systems_manager
        chain_root: bytes = manager.call("rewardsHash", reward_epoch)
        return RewardFacts(
            has_ended=manager.call("getCurrentRewardEpochId") > reward_epoch,
            is_whole=not any(self._registry.knows(name) for name in OTHER_PROTOCOLS),
            is_computed=stored is not None,
            root=None if stored is None else stored.rewards_root,
            chain_root=None if chain_root == NO_ROOT else chain_root,
            is_voter=self._signer in self._flare.electorate(reward_epoch).policy.voters,
            sent=sent_of(self._outbox, self._intents.key("rewards", reward_epoch, "", attempts), attempts),
            attempts=attempts,
        )

    def act(self, step: RewardStep, reward_epoch: int, sign: Sign, *, poll_s: float, fence: Fence) -> Outcome:
        """Carry out what was decided. Raises RewardsDiffer, RewardsUnsigned."""
        if isinstance(step, Wait):
            return Retry(poll_s * (LONG_WAIT_FACTOR if step.is_long else 1), step.reason)
        if isinstance(step, Missed):
            return Skipped(step.reason)
        if isinstance(step, Exhausted):
            raise RewardsUnsigned(reward_epoch=reward_epoch)
        if isinstance(step, Compute):
            return self._compute(reward_epoch, poll_s, fence)
        if isinstance(step, Record):
            return self._sign(reward_epoch, step.attempt, sign, poll_s, fence)
        return self._agreed(step, reward_epoch, fence)

    def _compute(self, reward_epoch: int, poll_s: float, fence: Fence) -> Outcome:
        terms = self._terms(reward_epoch)
        missing = self._missing(terms)
        if missing:
            planned = plan_records(self._flare.network, missing[:RECORDS_AT_ONCE])
            self._tasks.enqueue(reward_specs(planned))
            return Retry(poll_s, f"{len(missing)} rounds are not recorded yet")
        voters = self._voters(reward_epoch)
        rewards = self._rewards(terms, voters)
        root = claim_tree(reward_epoch, rewards.claims).root if rewards.claims else None
        with self._postgres.transaction(holding=fence) as tx:
            insert_epoch(tx, terms, voters, rewards, root, self._ours(voters, reward_epoch))
        return Retry(0, "the rewards are computed")

    def _rewards(self, terms: Terms, voters: tuple[RewardVoter, ...]) -> EpochRewards:
        lookahead = self._store.randoms(terms.first_round, terms.last_round + LOOKAHEAD_ROUNDS)
        return epoch_rewards(
            terms,
            voters,
            self._flare.electorate(terms.reward_epoch).policy,
            self._store.rounds(terms.first_round, terms.last_round, len(terms.feeds)),
            {number: random for number, random in lookahead.items() if random is not None},
            rules_of(self._flare.network),
            self._store.passes(terms.reward_epoch - 1),
        )

    def _terms(self, reward_epoch: int) -> Terms:
        relay = self._registry.relay
        offered_wei, feeds = offered_terms(self._registry, reward_epoch, self._flare.feeds(reward_epoch))
        updates_wei, update_feeds = FastUpdates(self._registry).offered(reward_epoch)
        return Terms(
            reward_epoch=reward_epoch,
            first_round=relay.call("startingVotingRoundIds", reward_epoch),
            last_round=relay.call("startingVotingRoundIds", reward_epoch + 1) - 1,
            offered_wei=offered_wei,
            feeds=feeds,
            updates_wei=updates_wei,
            update_feeds=update_feeds,
        )

    def _missing(self, terms: Terms) -> list[int]:
        """The rounds without which the rewards cannot be computed."""
        last = terms.last_round + LOOKAHEAD_ROUNDS
        recorded = self._store.randoms(terms.first_round, last)
        missing = [number for number in range(terms.first_round, terms.last_round + 1) if number not in recorded]
        for number in range(terms.last_round + 1, last + 1):
            if number not in recorded:
                return [*missing, number]
            random = recorded[number]
            if random is not None and random.is_secure:
                break
        return missing

    def _voters(self, reward_epoch: int) -> tuple[RewardVoter, ...]:
        electorate = self._flare.electorate(reward_epoch)
        told = self._flare.registrations(reward_epoch)
        rows = zip(told, electorate.submit_addresses, electorate.policy.weights, electorate.median_weights, strict=True)
        return tuple(
            RewardVoter(
                provider=Provider(
                    identity=one.identity,
                    delegation=one.delegation,
                    fee_bips=one.fee_bips,
                    delegated_weight=one.capped_wei,
                    nodes=one.nodes,
                ),
                submit=submit,
                weight=weight,
                median_weight=median_weight,
            )
            for one, submit, weight, median_weight in rows
        )

    def _ours(self, voters: tuple[RewardVoter, ...], reward_epoch: int) -> dict[str, frozenset[ClaimType]]:
        """Fees of the voter that we sign for; what is paid directly to whoever sends our transactions."""
        positions = self._flare.electorate(reward_epoch).policy.positions
        ours = dict.fromkeys((self._sender, self._signer), frozenset((ClaimType.DIRECT,)))
        if self._signer in positions:
            identity = voters[positions[self._signer]].provider.identity
            ours[identity] = ours.get(identity, frozenset()) | {ClaimType.FEE, ClaimType.DIRECT}
        return ours

    def _sign(self, reward_epoch: int, attempt: int, sign: Sign, poll_s: float, fence: Fence) -> Outcome:
        stored = self._stored(reward_epoch)
        if stored.rewards_root is None:
            raise AssertionError("rewards without a root are not signed")
        counts = [(self._registry.reward_manager.call("rewardManagerId"), stored.weight_based_claims)]
        signature = sign(rewards_message(reward_epoch, counts, stored.rewards_root))
        intent = self._intents.sign(reward_epoch, counts, stored.rewards_root, signature, attempt)
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["sign_reward_epoch"], reward_epoch=reward_epoch, attempt=attempt, now=self._clock.now())
            self._outbox.record(tx, intent)
        return Retry(poll_s, "our signature of the rewards is recorded")

    def _agreed(self, step: Reached | Contradicted, reward_epoch: int, fence: Fence) -> Outcome:
        chain_root = self._registry.systems_manager.call("rewardsHash", reward_epoch)
        with self._postgres.transaction(holding=fence) as tx:
            statement = "accept_reward_epoch" if isinstance(step, Reached) else "contradict_reward_epoch"
            tx.execute(Q[statement], reward_epoch=reward_epoch, chain_root=chain_root, now=self._clock.now())
            tx.execute(Q["remove_reward_rounds"], reward_epoch=reward_epoch)
            if isinstance(step, Reached):
                self._finish(tx, reward_epoch, fence)
        if isinstance(step, Contradicted):
            raise RewardsDiffer(reward_epoch=reward_epoch, chain=hexadecimal(chain_root))
        return Done({"state": "accepted"})

    def _finish(self, tx: Transaction, reward_epoch: int, fence: Fence) -> None:
        planned = plan_claims(self._flare.network, reward_epoch, self._clock.now())
        self._tasks.enqueue(reward_specs([planned]), tx)
        self._tasks.complete(tx, fence)

    def _stored(self, reward_epoch: int) -> StoredEpoch:
        stored = self._store.epoch(reward_epoch)
        if stored is None:
            raise AssertionError("the rewards were computed before")
        return stored
