"""What a round is computed from: the submissions, the voters, the feeds, and who is benched, all as of one head."""

from dataclasses import dataclass

from functions.oracle.adapters.flare import Flare
from functions.oracle.adapters.round_history import RoundHistory
from functions.oracle.adapters.voters import Electorate
from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.feeds import Feed
from functions.oracle.core.message import ProtocolMessage, encode_protocol_message
from functions.oracle.core.random_number import BENCHED_FOR_ROUNDS, benched_voters
from functions.oracle.core.rounds import RoundResult, compute_round
from functions.oracle.core.submissions import commits_of, reveals_of
from kernel.evm.blocks import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOutcome:
    """A round's result with what it was computed from."""

    voting_round: VotingEpoch
    result: RoundResult
    electorate: Electorate
    feeds: tuple[Feed, ...]
    head: Head

    @property
    def message(self) -> bytes | None:
        """The 38 bytes to sign, or None for a round without a result."""
        if self.result.merkle_root is None:
            return None
        return encode_protocol_message(
            ProtocolMessage(self.voting_round.number, self.result.is_secure_random, self.result.merkle_root)
        )


class Evidence:
    """Reads rounds from the chain; what earlier rounds taught about offenders comes from the repository first."""

    def __init__(self, flare: Flare, history: RoundHistory) -> None:
        self.flare, self._history = flare, history
        # After an outage twenty rounds take longer than one invocation has: the next one goes on where it was cut off.
        self._offenders: dict[int, frozenset[str]] = {}

    def outcome(self, voting_round: VotingEpoch, head: Head) -> RoundOutcome:
        """The result of a round as of `head`. Raises WindowStillOpen."""
        return self._compute(voting_round, head, self._benched(voting_round, head))

    def _compute(self, voting_round: VotingEpoch, head: Head, benched: frozenset[str]) -> RoundOutcome:
        reward_epoch = self.flare.reward_epoch_of(voting_round.number)
        feeds, electorate = self.flare.feeds(reward_epoch), self.flare.electorate(reward_epoch)
        submissions = self.flare.submissions(voting_round, head)
        result = compute_round(
            commits_of(submissions, voting_round),
            reveals_of(submissions, voting_round, len(feeds)),
            electorate.weights,
            feeds,
            voting_round.number,
            benched,
            electorate.registered_weight,
        )
        return RoundOutcome(voting_round=voting_round, result=result, electorate=electorate, feeds=feeds, head=head)

    def _benched(self, voting_round: VotingEpoch, head: Head) -> frozenset[str]:
        first = max(voting_round.number - BENCHED_FOR_ROUNDS, self.flare.first_round)
        self._offenders = {number: found for number, found in self._offenders.items() if number >= first}
        known = self._offenders | self._history.offenders_between(first, voting_round.number - 1)
        for number in range(first, voting_round.number):
            if number not in known:
                # Benching of an older round does not change who offended in it.
                earlier = self._compute(self.flare.network.voting_epoch(number), head, frozenset())
                known[number] = self._offenders[number] = earlier.result.offenders
        return benched_voters(known, voting_round.number)
