"""What a round's rewards follow from: votes, signatures and finalisations, all as of one head."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from functions.oracle.adapters.evidence import Evidence
from functions.oracle.adapters.fast_updates import FastUpdates
from functions.oracle.adapters.flare import Flare
from functions.oracle.adapters.recovery import recover
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.round_history import RoundHistory
from functions.oracle.adapters.submission import Submissions
from functions.oracle.adapters.voters import Electorate
from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.message import (
    MessageMalformed,
    decode_protocol_message,
    encode_protocol_message,
    signing_digest,
)
from functions.oracle.core.payload import FTSO_PROTOCOL_ID, SELECTOR_SIZE_BYTES, SUBMIT_SIGNATURES, parse_calldata
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.relay import RelayCall, decode_relay
from functions.oracle.core.reward_epoch import RewardRound
from functions.oracle.core.rounds import keeps
from functions.oracle.core.signature import SignaturePayload, decode_signature_payload
from functions.oracle.core.signing_policy import encode_signing_policy
from functions.oracle.core.signing_rewards import Deposit, Finalisation
from functions.oracle.core.submissions import Submission, commits_of, reveals_of
from kernel.evm.blocks import Head
from kernel.hashes import keccak256


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRound:
    """A record with what it was read for and at."""

    round: RewardRound
    reward_epoch: int
    feed_count: int
    head: Head


@dataclass(frozen=True, slots=True)
class Relaying:
    """A call of the relay for the round: what it said, when, and whether it went through."""

    call: RelayCall
    sender: str
    at_s: float
    succeeded: bool


class RelayCalls(Submissions):
    """Calls of the Relay contract; those that reverted count, too: their sender tried in time."""

    def attempts(self, start_s: int, end_s: int, head: Head) -> list[tuple[Submission, bool]]:
        """Every call in blocks with start_s <= time < end_s, in chain order, and whether it succeeded."""
        found = [call for block in self._blocks(start_s, end_s, head) for call in self._calls(block)]
        succeeded = self._succeeded([transaction_hash for _, transaction_hash in found])
        return [(submission, good) for (submission, _), good in zip(found, succeeded, strict=True)]


class RewardEvidence:
    """Reads rounds from the chain; who offended and which random number came of it as we computed it before, if so."""

    def __init__(self, registry: Registry, flare: Flare, evidence: Evidence, history: RoundHistory) -> None:
        self._registry, self._flare, self._evidence, self._history = registry, flare, evidence, history
        self._updates = FastUpdates(registry)

    def record(self, voting_round: VotingEpoch, head: Head) -> RecordedRound:
        """The record of a round whose next voting epoch is over. Raises WindowStillOpen."""
        reward_epoch = self._flare.reward_epoch_of(voting_round.number)
        electorate, feeds = self._flare.electorate(reward_epoch), self._flare.feeds(reward_epoch)
        submissions = Submissions(self._registry.submission).between(
            voting_round.start_s, voting_round.next.end_s, head
        )
        random, offenders, ours = self._outcome(voting_round, head)
        relayings = list(self._relayings(voting_round, electorate, head))
        first = next((one for one in relayings if one.succeeded), None)
        finalised = None if first is None else first.call.message
        span = self._updates.span(voting_round, head)
        return RecordedRound(
            round=RewardRound(
                voting_round=voting_round.number,
                random=random,
                votes=_votes(submissions, voting_round, electorate, len(feeds)),
                offenders=offenders,
                deposits=tuple(_deposits(submissions, voting_round, electorate, (finalised, ours))),
                finalisations=tuple(_finalisations(relayings, electorate, finalised)),
                finalised_hash=None if finalised is None else keccak256(finalised),
                updates=self._updates.positions(voting_round, electorate.policy.positions, span),
                update_feeds=self._updates.feeds(voting_round, reward_epoch, span),
            ),
            reward_epoch=reward_epoch,
            feed_count=len(feeds),
            head=head,
        )

    def _outcome(
        self, voting_round: VotingEpoch, head: Head
    ) -> tuple[RoundRandom | None, frozenset[str], bytes | None]:
        """The random number, who offended, and the message that we would sign."""
        stored = self._history.result(voting_round.number)
        if stored is not None:
            found = None if stored.random is None else RoundRandom(stored.random, stored.is_secure_random)
            return found, frozenset(stored.offenders), stored.message
        outcome = self._evidence.outcome(voting_round, head)
        result = outcome.result
        found = None if result.random is None else RoundRandom(result.random, result.is_secure_random)
        return found, result.offenders, outcome.message

    def _relayings(self, voting_round: VotingEpoch, electorate: Electorate, head: Head) -> Iterator[Relaying]:
        """Calls with the round's message under its own signing policy, from the reveal deadline to the epoch's end."""
        policy, begins_s = encode_signing_policy(electorate.policy), voting_round.next.reveal_deadline_s
        calls = RelayCalls(self._registry.relay).attempts(begins_s, voting_round.next.end_s, head)
        for submission, succeeded in calls:
            call = decode_relay(submission.calldata)
            if call is not None and call.signing_policy == policy and _is_of(call.message, voting_round.number):
                at_s = submission.block_time_s - voting_round.next.start_s
                yield Relaying(call, submission.sender, at_s, succeeded)


def _votes(
    submissions: Sequence[Submission], voting_round: VotingEpoch, electorate: Electorate, feed_count: int
) -> dict[int, bytes]:
    commits, reveals = commits_of(submissions, voting_round), reveals_of(submissions, voting_round, feed_count)
    return {
        position: reveals[voter].feed_values
        for position, voter in enumerate(electorate.submit_addresses)
        if voter in commits
        and voter in reveals
        and keeps(commits[voter], voter, voting_round.number, reveals[voter], feed_count)
    }


def _deposits(
    submissions: Iterable[Submission],
    voting_round: VotingEpoch,
    electorate: Electorate,
    messages: Iterable[bytes | None],
) -> Iterator[Deposit]:
    """Signatures by voters, each voter and message once, at the earliest.

    A bare signature is of the finalised message, or of the one that we computed, or nobody can tell of which.
    """
    begins_s, positions = voting_round.next.reveal_deadline_s, electorate.policy.positions
    known = tuple(dict.fromkeys(message for message in messages if message is not None))
    seen: set[tuple[int, bytes]] = set()
    for submission in submissions:
        if submission.block_time_s < begins_s or submission.calldata[:SELECTOR_SIZE_BYTES] != SUBMIT_SIGNATURES:
            continue
        for deposit in _payloads(submission, voting_round.number):
            for message in _signable(deposit, known, voting_round.number):
                signer = recover(signing_digest(message), deposit.signature)
                position = None if signer is None else positions.get(signer.lower())
                signed = keccak256(message)
                if position is not None and (position, signed) not in seen:
                    seen.add((position, signed))
                    yield Deposit(position, signed, submission.block_time_s - voting_round.next.start_s)


def _payloads(submission: Submission, number: int) -> Iterator[SignaturePayload]:
    for message in parse_calldata(submission.calldata):
        if message.protocol_id == FTSO_PROTOCOL_ID and message.voting_round == number:
            deposit = decode_signature_payload(message.payload)
            if deposit is not None:
                yield deposit


def _signable(deposit: SignaturePayload, known: tuple[bytes, ...], number: int) -> tuple[bytes, ...]:
    if deposit.message is None:
        return known
    message = encode_protocol_message(deposit.message)
    return (message,) if _is_of(message, number) else ()


def _finalisations(
    relayings: Iterable[Relaying], electorate: Electorate, finalised: bytes | None
) -> Iterator[Finalisation]:
    """Calls with the finalised message. One that reverted counts if its signatures weigh enough: it came second."""
    has_changed = False
    for one in relayings:
        if one.call.message != finalised:
            continue
        if one.succeeded or _weighs_enough(one.call, electorate):
            yield Finalisation(one.sender, one.at_s, one.succeeded and not has_changed)
            has_changed = has_changed or one.succeeded


def _weighs_enough(call: RelayCall, electorate: Electorate) -> bool:
    policy, digest = electorate.policy, signing_digest(call.message)
    signers = {
        position
        for position, signature in call.signatures
        if position < len(policy.voters) and (recover(digest, signature) or "").lower() == policy.voters[position]
    }
    return policy.weight_of(signers) > policy.threshold


def _is_of(message: bytes, number: int) -> bool:
    try:
        decoded = decode_protocol_message(message)
    except MessageMalformed:
        return False
    return (decoded.protocol_id, decoded.voting_round) == (FTSO_PROTOCOL_ID, number)
