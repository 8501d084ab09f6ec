"""Looks at finished rounds: what the chain, read at one head, shows of everybody."""

from collections.abc import Iterable

from functions.oracle.adapters.evidence import Evidence
from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.observation import Watched
from functions.oracle.core.sighting import Sight
from functions.oracle.core.submissions import Submission
from kernel.evm.blocks import Head

#: A round is seen in four voting epochs, and the next round shares three of them.
EPOCHS_KEPT = 8


class Observing:
    """The eyes of one container. `ourselves` is our submit address, `finaliser` the one that relays for us."""

    def __init__(self, evidence: Evidence, *, ourselves: str, finaliser: str, floor_wei: int) -> None:
        self._flare, self._evidence = evidence.flare, evidence
        self._ourselves, self._finaliser, self._floor_wei = ourselves.lower(), finaliser.lower(), floor_wei
        self._epochs: dict[int, list[Submission]] = {}

    def sight(self, voting_round: VotingEpoch, head: Head) -> Sight:
        """A finished round as of `head`. Raises WindowStillOpen."""
        reward_epoch = self._flare.reward_epoch_of(voting_round.number)
        electorate = self._flare.electorate(reward_epoch)
        addresses = zip(
            electorate.submit_addresses,
            electorate.submit_signatures_addresses,
            electorate.policy.voters,
            strict=True,
        )
        relayed = self._flare.relayed(voting_round, head)
        ours = (self._ourselves, self._finaliser)
        payers = dict.fromkeys([*electorate.submit_addresses, *electorate.submit_signatures_addresses, *ours])
        return Sight(
            voting_round=voting_round,
            reward_epoch=reward_epoch,
            first_round=electorate.policy.start_voting_round,
            submissions=self._submissions(voting_round, head),
            voters=[Watched(*three) for three in addresses],
            registrations=self._flare.registrations(reward_epoch),
            signing_weights=electorate.policy.weights,
            weights=electorate.weights,
            feeds=self._flare.feeds(reward_epoch),
            relayed=relayed,
            # Without a finalisation ours is computed, which needs the offenders of the twenty rounds before.
            message=relayed.message if relayed else self._evidence.outcome(voting_round, head).message,
            balances_wei=self._flare.balances_wei(list(payers), head),
            floor_wei=self._floor_wei,
            ourselves=self._ourselves,
            finaliser=self._finaliser,
        )

    def _submissions(self, voting_round: VotingEpoch, head: Head) -> list[Submission]:
        before, after = voting_round.previous, voting_round.next
        return [one for epoch in (before, voting_round, after, after.next) for one in self._sent_in(epoch, head)]

    def _sent_in(self, epoch: VotingEpoch, head: Head) -> Iterable[Submission]:
        """What an epoch that is over holds does not change, so it is read once a container."""
        sent = self._epochs.get(epoch.number)
        if sent is None:
            sent = self._epochs[epoch.number] = self._flare.calls(epoch, head)
            for oldest in sorted(self._epochs)[:-EPOCHS_KEPT]:
                del self._epochs[oldest]
        return sent
