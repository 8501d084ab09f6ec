"""Owns the outcome of a voting round: who revealed what was committed, and what follows from it.

1. A registered voter with a commit whose reveal hashes to that commit has revealed validly.
2. Everyone else who committed is an offender. A reveal without a commit counts for nothing.
3. Medians: all valid reveals vote, also those of benched voters. Random number: only voters that are not benched.
4. The Merkle tree has a leaf per feed and one for the random number.

A round without a valid reveal has no result. Nothing that a voter sent can make this raise.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import is_well_formed, slot_matrix
from functions.oracle.core.feeds import Feed
from functions.oracle.core.median import NO_VOTES, Median, weighted_medians
from functions.oracle.core.random_number import combine
from functions.oracle.core.result_leaves import round_leaves
from functions.oracle.core.submissions import Reveal
from kernel.abi import UINT256_LIMIT, AddressInvalid
from kernel.merkle import SortedMerkleTree


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """What a voting round decided. Addresses are lower-case; medians are in feed order."""

    medians: tuple[Median, ...]
    #: Everybody who committed and did not keep the promise, registered or not: they are benched for what follows.
    offenders: frozenset[str]
    #: None, like the Merkle root, when nobody revealed validly.
    random: int | None = None
    is_secure_random: bool = False
    merkle_root: bytes | None = None
    #: The leaves under the root: one per feed in feed order, then the random number's.
    leaves: tuple[bytes, ...] = ()


def compute_round(
    commits: Mapping[str, bytes],
    reveals: Mapping[str, Reveal],
    weights: Mapping[str, int],
    feeds: Sequence[Feed],
    voting_round: int,
    benched: Collection[str],
    registered_weight: int,
) -> RoundResult:
    """The result of a round.

    commits            submitter to commit hash, as `submissions.commits_of` finds them
    reveals            submitter to (random, value vector), as `submissions.reveals_of` finds them
    weights            registered submitters, in the signing policy's order, to their median weight
    registered_weight  the sum of the weights of all registered voters
    """
    revealed = {voter.lower(): Reveal(*reveal) for voter, reveal in reveals.items()}
    committed = {voter.lower(): commit for voter, commit in commits.items()}
    electorate = {voter.lower(): weight for voter, weight in weights.items()}
    kept = {
        voter: revealed[voter]
        for voter, commit in committed.items()
        if voter in revealed and keeps(commit, voter, voting_round, revealed[voter], len(feeds))
    }
    offenders = frozenset(committed.keys() - kept.keys())
    valid = {voter: kept[voter] for voter in electorate if voter in kept}
    if not valid:
        return RoundResult(medians=(NO_VOTES,) * len(feeds), offenders=offenders)

    random = combine(
        {voter: reveal.random for voter, reveal in valid.items()},
        [offender for offender in offenders if offender in electorate],
        {voter.lower() for voter in benched},
    )
    slots = slot_matrix([reveal.feed_values for reveal in valid.values()], len(feeds))
    medians = weighted_medians(slots, [electorate[voter] for voter in valid])
    leaves = round_leaves(voting_round, feeds, medians, registered_weight, random)
    return RoundResult(
        medians=tuple(medians),
        random=random.value,
        is_secure_random=random.is_secure,
        merkle_root=SortedMerkleTree(leaves).root,
        offenders=offenders,
        leaves=tuple(leaves),
    )


def keeps(commit: bytes, voter: str, voting_round: int, reveal: Reveal, feed_count: int) -> bool:
    """Whether a reveal is what its submitter committed to, and readable."""
    if not (0 <= reveal.random < UINT256_LIMIT and is_well_formed(reveal.feed_values, feed_count)):
        return False
    try:
        return commit == commit_hash(voter, voting_round, reveal.random, reveal.feed_values)
    except AddressInvalid:
        return False
