"""Owns what a data provider did wrong in a voting round, from chain data alone: ours and everybody else's.

For each phase the best that a voter sent for the round decides:

    commit      in voting epoch j, 32 bytes
    reveal      in epoch j + 1 before its reveal deadline, readable, and what was committed; owed by who has committed
    signature   in epoch j + 1 from the reveal deadline on, of the message that the others finalised, by the voter's own
                signing-policy key, before the round was finalised or within the grace period

A submission at another time is early or late, one that no reader takes is unreadable, none at all is missing. A sender
that is not registered for the reward epoch has no part in the round; it is told, since it believes that it has.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.payload import (
    FTSO_PROTOCOL_ID,
    SELECTOR_SIZE_BYTES,
    SUBMIT1,
    SUBMIT2,
    SUBMIT_SIGNATURES,
    parse_calldata,
)
from functions.oracle.core.rounds import keeps
from functions.oracle.core.signature import Recover, decode_signature_payload
from functions.oracle.core.signing_rewards import SIGNING_GRACE_S
from functions.oracle.core.submissions import Submission, commits_of, decode_commit, decode_reveal, reveals_of

Decoded = TypeVar("Decoded")


class Fault(StrEnum):
    """What was wrong."""

    NOT_REGISTERED = "not_registered"
    COMMIT_MISSING = "commit_missing"
    COMMIT_EARLY = "commit_early"
    COMMIT_LATE = "commit_late"
    COMMIT_UNREADABLE = "commit_unreadable"
    REVEAL_MISSING = "reveal_missing"
    REVEAL_EARLY = "reveal_early"
    REVEAL_LATE = "reveal_late"
    REVEAL_UNREADABLE = "reveal_unreadable"
    REVEAL_MISMATCH = "reveal_mismatch"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_EARLY = "signature_early"
    SIGNATURE_LATE = "signature_late"
    SIGNATURE_UNREADABLE = "signature_unreadable"
    SIGNATURE_WRONG = "signature_wrong"
    #: Of an address that pays for submissions; told when it begins.
    LOW_BALANCE = "low_balance"


class Watched(NamedTuple):
    """A registered voter's addresses, lower-case."""

    submit: str
    submit_signatures: str
    signing_policy: str


class Said(NamedTuple):
    """A message of the round: when, and what."""

    at_s: int
    payload: bytes


class Phase(NamedTuple):
    """The faults of one phase: nothing came, it came too early, too late, or cannot be read."""

    missing: Fault
    early: Fault
    late: Fault
    unreadable: Fault


COMMIT = Phase(Fault.COMMIT_MISSING, Fault.COMMIT_EARLY, Fault.COMMIT_LATE, Fault.COMMIT_UNREADABLE)
REVEAL = Phase(Fault.REVEAL_MISSING, Fault.REVEAL_EARLY, Fault.REVEAL_LATE, Fault.REVEAL_UNREADABLE)
SIGNATURE = Phase(Fault.SIGNATURE_MISSING, Fault.SIGNATURE_EARLY, Fault.SIGNATURE_LATE, Fault.SIGNATURE_UNREADABLE)


def submission_faults(
    voting_round: VotingEpoch, submissions: Sequence[Submission], voters: Iterable[str], feed_count: int
) -> dict[str, Fault]:
    """The fault of each submit address (lower-case) in commit or reveal; who did well is not in it.

    submissions: of epochs j - 1 to j + 1, so that what came too early or too late is found.
    """
    commits, reveals = commits_of(submissions, voting_round), reveals_of(submissions, voting_round, feed_count)
    registered = {voter.lower() for voter in voters}
    faults: dict[str, Fault] = {}
    for voter in registered:
        fault = None
        if voter not in commits:
            said = _said(submissions, SUBMIT1, voter, voting_round)
            fault = _untaken(COMMIT, said, voting_round.start_s, voting_round.end_s, decode_commit)
        elif voter not in reveals:
            said = _said(submissions, SUBMIT2, voter, voting_round)
            begins, ends = voting_round.next.start_s, voting_round.next.reveal_deadline_s
            fault = _untaken(REVEAL, said, begins, ends, lambda payload: decode_reveal(payload, feed_count))
        elif not keeps(commits[voter], voter, voting_round.number, reveals[voter], feed_count):
            fault = Fault.REVEAL_MISMATCH
        if fault is not None:
            faults[voter] = fault
    return faults | dict.fromkeys(commits.keys() - registered, Fault.NOT_REGISTERED)


def signature_faults(
    voting_round: VotingEpoch,
    submissions: Sequence[Submission],
    voters: Iterable[Watched],
    digest: bytes,
    finalised_at_s: float | None,
    recover: Recover,
) -> dict[str, Fault]:
    """The same of signatures, by submit address. digest: of the finalised message, or of ours where none was."""
    begins, ends = voting_round.next.reveal_deadline_s, voting_round.next.end_s
    last_s = ends if finalised_at_s is None else min(ends, max(finalised_at_s, begins + SIGNING_GRACE_S - 1))
    faults: dict[str, Fault] = {}
    for voter in voters:
        said = _said(submissions, SUBMIT_SIGNATURES, voter.submit_signatures, voting_round)
        timely = [one for one in said if begins <= one.at_s <= last_s]
        deposits = [deposit for one in timely if (deposit := decode_signature_payload(one.payload)) is not None]
        signers = {(recover(digest, deposit.signature) or "").lower() for deposit in deposits}
        if voter.signing_policy in signers:
            continue
        faults[voter.submit] = (
            Fault.SIGNATURE_WRONG
            if deposits
            else _untaken(SIGNATURE, said, begins, last_s + 1, decode_signature_payload)
        )
    return faults


def _said(submissions: Iterable[Submission], selector: bytes, sender: str, voting_round: VotingEpoch) -> list[Said]:
    return [
        Said(submission.block_time_s, message.payload)
        for submission in submissions
        if submission.sender.lower() == sender and submission.calldata[:SELECTOR_SIZE_BYTES] == selector
        for message in parse_calldata(submission.calldata)
        if message.protocol_id == FTSO_PROTOCOL_ID and message.voting_round == voting_round.number
    ]


def _untaken(
    phase: Phase, said: Sequence[Said], begins_s: float, ends_s: float, decode: Callable[[bytes], Decoded | None]
) -> Fault:
    """Why nothing of what was said was taken: what could be read at another time comes before what could not."""
    readable = [one for one in said if decode(one.payload) is not None]
    if any(one.at_s >= ends_s for one in readable):
        return phase.late
    if any(one.at_s < begins_s for one in readable):
        return phase.early
    return phase.unreadable if said else phase.missing
