"""What the rounds of the oracle's whole show came to, computed from the chain by the scene itself."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from functions.oracle.core.feed_values import decode_integers
from functions.oracle.core.feeds import Feed
from functions.oracle.core.message import ProtocolMessage, encode_protocol_message, signing_digest
from functions.oracle.core.random_number import benched_voters
from functions.oracle.core.reward_claims import Provider
from functions.oracle.core.rounds import RoundResult, compute_round, keeps
from functions.oracle.core.signature import IndexedSignature, Signature, recognise
from functions.oracle.core.signing_policy import SigningPolicy, decode_signing_policy
from functions.oracle.core.submissions import Reveal, Submission, commits_of, deposits_of, reveals_of
from infra.local.demo.oracle_epoch_chain import ChainRecord
from infra.local.flare.accounts import Voter
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import events
from kernel.evm.transactions import Signature as EvmSignature
from kernel.evm.transactions import SignatureMismatch, recovered_address

NO_ROOT: Final = bytes(32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Roll:
    """The voters of a reward epoch, in its signing policy's order. providers: the same as rewards see them; a vote
    weighs in the median what is delegated to its voter, in wei."""

    policy: SigningPolicy
    encoded: bytes
    voters: tuple[Voter, ...]
    providers: tuple[Provider, ...]

    @property
    def median_weights(self) -> tuple[int, ...]:
        """Of the votes."""
        return tuple(provider.delegated_weight for provider in self.providers)

    @cached_property
    def weights(self) -> dict[str, int]:
        """Submit address -> weight of its vote."""
        addresses = [voter.submit.address.lower() for voter in self.voters]
        return dict(zip(addresses, self.median_weights, strict=True))

    @cached_property
    def names(self) -> dict[str, str]:
        """Submit address -> name."""
        return {voter.submit.address.lower(): voter.name for voter in self.voters}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRound:
    """A round's result and what it follows from. By name of the provider; values in feed order, None for a missing
    one."""

    voting_round: int
    roll: Roll
    committed: frozenset[str]
    #: Of those who kept their promise.
    values: Mapping[str, Sequence[int | None]]
    randoms: Mapping[str, int]
    offenders: frozenset[str]
    benched: frozenset[str]
    result: RoundResult

    @property
    def message(self) -> bytes | None:
        """The 38 bytes that are signed, where there is a result."""
        if self.result.merkle_root is None:
            return None
        return encode_protocol_message(
            ProtocolMessage(self.voting_round, self.result.is_secure_random, self.result.merkle_root)
        )


class Rounds:
    """The rounds so far, in their order; `advance` computes those that are ready. Safe for several threads."""

    def __init__(self, record: ChainRecord, feeds: Sequence[Feed]) -> None:
        self.record, self.feeds = record, tuple(feeds)
        self._network = record.network
        self._lock = threading.Lock()
        self._played: dict[int, PlayedRound] = {}
        self._offenders: dict[int, frozenset[str]] = {}
        self._next = self._network.timing.first_round
        self._signatures: dict[int, tuple[int, list[IndexedSignature]]] = {}
        self.rolls: tuple[Roll, ...] = ()

    def advance(self) -> None:
        """Compute the rounds whose reveals can no longer change."""
        with self._lock:
            while self.record.seen.head_time_s >= self.record.epoch(self._next).next.reveal_deadline_s:
                self.rolls = rolls_of(self._network)
                self._played[self._next] = self._play(self._next)
                self._next += 1

    def of(self, voting_round: int) -> PlayedRound | None:
        """A round's result, once there is one."""
        return self._played.get(voting_round)

    def roll_of(self, voting_round: int) -> Roll:
        """Who votes in a round."""
        return max(
            (roll for roll in self.rolls if roll.policy.start_voting_round <= voting_round),
            key=lambda roll: roll.policy.start_voting_round,
        )

    def signatures(self, played: PlayedRound) -> list[IndexedSignature]:
        """The deposits so far that really sign the round's message."""
        if played.message is None:
            return []
        # Recovering twenty signers takes a while, and nothing is new before the next block.
        head_s = self.record.seen.head_time_s
        known_s, known = self._signatures.get(played.voting_round, (0, []))
        if known_s == head_s or len(known) == len(played.roll.voters):
            return known
        found = self._recognised(played, played.message)
        self._signatures[played.voting_round] = (head_s, found)
        return found

    def _recognised(self, played: PlayedRound, message: bytes) -> list[IndexedSignature]:
        epoch = self.record.epoch(played.voting_round)
        registered = {voter.submit_signatures.address.lower() for voter in played.roll.voters}
        found = deposits_of(self._since(epoch.next.reveal_deadline_s), epoch)
        deposits = [deposit for sender, deposit in found.items() if sender in registered]
        return recognise(deposits, signing_digest(message), played.roll.policy.positions, recover)

    def _since(self, start_s: int) -> list[Submission]:
        return [one for one in self.record.seen.submissions if one.block_time_s >= start_s]

    def _play(self, number: int) -> PlayedRound:
        epoch, roll, count = self.record.epoch(number), self.roll_of(number), len(self.feeds)
        submissions = self._since(epoch.start_s)
        commits, reveals = commits_of(submissions, epoch), reveals_of(submissions, epoch, count)
        benched = benched_voters(self._offenders, number)
        result = compute_round(commits, reveals, roll.weights, self.feeds, number, benched, sum(roll.median_weights))
        self._offenders[number] = result.offenders
        kept = _kept(commits, reveals, roll, number, count)
        return PlayedRound(
            voting_round=number,
            roll=roll,
            committed=_named(commits, roll),
            values={roll.names[one]: decode_integers(reveal.feed_values, count) for one, reveal in kept.items()},
            randoms={roll.names[one]: reveal.random for one, reveal in kept.items()},
            offenders=_named(result.offenders, roll),
            benched=_named(benched, roll),
            result=result,
        )


def rolls_of(network: FlareNetwork) -> tuple[Roll, ...]:
    """The voters of every reward epoch so far, as the chain's events tell."""
    by_signer = {voter.signing_policy.address.lower(): voter for voter in network.voters}
    told = events(network, "FlareSystemsCalculator", "VoterRegistrationInfo")
    rolls = []
    for event in events(network, "Relay", "SigningPolicyInitialized"):
        encoded = event["signingPolicyBytes"]
        policy = decode_signing_policy(encoded)
        providers = {one["voter"]: _provider(one) for one in told if one["rewardEpochId"] == policy.reward_epoch}
        voters = tuple(by_signer[signer] for signer in policy.voters)
        in_order = tuple(providers[voter.identity.address.lower()] for voter in voters)
        rolls.append(Roll(policy=policy, encoded=encoded, voters=voters, providers=in_order))
    return tuple(rolls)


def _provider(event: Mapping[str, Any]) -> Provider:
    return Provider(
        identity=event["voter"],
        delegation=event["delegationAddress"],
        fee_bips=event["delegationFeeBIPS"],
        delegated_weight=event["wNatCappedWeight"],
    )


def _kept(
    commits: Mapping[str, bytes], reveals: Mapping[str, Reveal], roll: Roll, number: int, feed_count: int
) -> dict[str, Reveal]:
    """Who revealed what was committed."""
    return {
        voter: reveals[voter]
        for voter in roll.weights
        if voter in commits and voter in reveals and keeps(commits[voter], voter, number, reveals[voter], feed_count)
    }


def recover(digest: bytes, signature: Signature) -> str | None:
    """Whose signature this is; None when it is nobody's."""
    try:
        return recovered_address(digest, EvmSignature(*signature))
    except (SignatureMismatch, ValueError):
        return None


def _named(addresses: Iterable[str], roll: Roll) -> frozenset[str]:
    return frozenset(roll.names[one] for one in addresses if one in roll.names)
