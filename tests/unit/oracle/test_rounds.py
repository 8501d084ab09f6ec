"""The outcome of a voting round."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from py_flare_common.merkle.tree import MerkleTree

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.median import NO_VOTES
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.result_leaves import feed_leaf, random_leaf
from functions.oracle.core.rounds import RoundResult, compute_round
from functions.oracle.core.submissions import Reveal
from kernel.merkle import SortedMerkleTree, verify_proof
from tests.unit.oracle import slow_reference
from tests.unit.oracle.electorate import FEEDS, ROUND, Voter, honest_round
from tests.unit.oracle.facts import flare_feeds

pytestmark = pytest.mark.unit


def test_three_honest_voters() -> None:
    """Medians, random, root and no offender."""
    voters = [Voter(1, (100, 200, None)), Voter(2, (110, 210, None)), Voter(3, (120, 190, None))]

    result = honest_round(voters).result(voters)

    assert (110, 200, None) == tuple(median.value for median in result.medians)
    assert (30, 30, 0) == tuple(median.participating_weight for median in result.medians)
    assert (3_006, True, frozenset()) == (result.random, result.is_secure_random, result.offenders)


def test_the_root_proves_every_feed_and_the_random() -> None:
    """As a consumer on the chain would check them."""
    voters = [Voter(1), Voter(2)]
    result = honest_round(voters).result(voters)
    tree = SortedMerkleTree(list(result.leaves))
    expected = [
        feed_leaf(ROUND.number, feed, value, 10_000) for feed, value in zip(FEEDS, (100, 200, 300), strict=True)
    ]

    assert result.merkle_root == tree.root
    assert [*expected, random_leaf(ROUND.number, RoundRandom(2_003, True))] == list(result.leaves)
    assert all(verify_proof(tree.root, leaf, tree.proof(leaf)) for leaf in result.leaves)
    assert MerkleTree([leaf.hex() for leaf in result.leaves]).root == "0x" + tree.root.hex()


def test_a_round_without_a_valid_reveal_has_no_result() -> None:
    """No root, no random; who committed is an offender."""
    voter = Voter(1)

    result = compute_round({voter.address: voter.hash()}, {}, {voter.address: 1}, FEEDS, ROUND.number, set(), 1)

    assert RoundResult(medians=(NO_VOTES,) * 3, offenders=frozenset({voter.address})) == result
    assert (None, None, False) == (result.merkle_root, result.random, result.is_secure_random)


def test_an_unregistered_voter_changes_nothing_but_the_list_of_offenders() -> None:
    """Its values, its random and its offence do not touch the result; it will be benched should it register."""
    voters, stranger = [Voter(1), Voter(2)], Voter(9, (1, 1, 1))
    honest = honest_round(voters).result(voters)

    revealed, silent = honest_round([*voters, stranger]), honest_round(voters)
    silent.commit(stranger)

    assert honest == revealed.result(voters)
    assert honest.merkle_root == silent.result(voters).merkle_root
    assert silent.result(voters).is_secure_random
    assert {stranger.address} == silent.result(voters).offenders


def test_a_benched_voter_votes_but_adds_no_random() -> None:
    """Its values count in the medians."""
    voters = [Voter(1, (100, 0, 0)), Voter(2, (100, 0, 0)), Voter(3, (400, 0, 0), weight=50)]

    result = honest_round(voters).result(voters, frozenset({voters[2].address}))

    assert 400 == result.medians[0].value
    assert (2_003, True) == (result.random, result.is_secure_random)


def test_when_all_who_revealed_are_benched_the_medians_stand_and_the_random_is_zero() -> None:
    """There is a result, and its random is insecure."""
    voters = [Voter(1), Voter(2)]

    result = honest_round(voters).result(voters, frozenset(voter.address for voter in voters))

    assert (100, 0, False) == (result.medians[0].value, result.random, result.is_secure_random)
    assert result.merkle_root is not None


def test_addresses_are_compared_without_regard_to_letter_case() -> None:
    """Commits, reveals, weights and the bench may each be written differently."""
    voters = [Voter(0xABCDEF), Voter(0xFEDCBA)]
    shout = [voter.address.upper().replace("X", "x") for voter in voters]

    result = compute_round(
        {name: voter.hash() for name, voter in zip(shout, voters, strict=True)},
        {voter.address: voter.reveal for voter in voters},
        dict.fromkeys(shout, 1),
        FEEDS,
        ROUND.number,
        {shout[0]},
        2,
    )

    assert (voters[1].random, frozenset()) == (result.random, result.offenders)


@pytest.mark.parametrize("reveal", [Reveal(2**256, b""), Reveal(-1, b""), Reveal(1, bytes(3)), Reveal(1, bytes(16))])
def test_a_reveal_that_cannot_be_hashed_or_read_makes_an_offender_and_raises_nothing(reveal: Reveal) -> None:
    """Even when a caller hands over what no payload decodes to."""
    voter = Voter(1)

    result = compute_round(
        {voter.address: voter.hash()}, {voter.address: reveal}, {voter.address: 1}, FEEDS, ROUND.number, set(), 1
    )

    assert {voter.address} == result.offenders


def test_a_matching_reveal_with_too_many_slots_is_an_offence() -> None:
    """It was committed to, and still cannot be read."""
    voter, reveal = Voter(1), Reveal(1, bytes(16))
    commit = commit_hash(voter.address, ROUND.number, *reveal)

    result = compute_round(
        {voter.address: commit}, {voter.address: reveal}, {voter.address: 1}, FEEDS, ROUND.number, set(), 1
    )

    assert (frozenset({voter.address}), None) == (result.offenders, result.merkle_root)


def test_a_sender_that_is_no_address_raises_nothing() -> None:
    """An indexer may hand over anything."""
    result = compute_round(
        {"nobody": bytes(32)}, {"nobody": Reveal(1, b"")}, {"nobody": 1}, FEEDS, ROUND.number, set(), 1
    )

    assert {"nobody"} == result.offenders


def random_case(source: random.Random) -> dict[str, Any]:
    """A small round with honest, silent, lying, unregistered and benched voters, in random order."""
    feeds = flare_feeds()[: source.randint(1, 4)]
    largest = source.choice([3, 0xFFFF, 10**28])
    commits: dict[str, bytes] = {}
    reveals: dict[str, Reveal] = {}
    weights: dict[str, int] = {}
    for number in range(source.randint(1, 7)):
        address = "0x" + number.to_bytes(20, "big").hex()
        values = [
            None if source.random() < 0.2 else source.choice([-(2**31) + 1, -1, 0, 1, 2, 2**31 - 1]) for _ in feeds
        ]
        kept = Reveal(source.getrandbits(256), source.choice([encode_integers(values), b""]))
        if source.random() < 0.9:
            commits[address] = slow_reference.commit_hash(address, 9, *kept)
        if source.random() < 0.85:
            lie = Reveal(kept.random, source.choice([kept.feed_values, b"\x80\0\0\7", bytes(3), bytes(20)]))
            reveals[address] = source.choice([kept, kept, kept, lie])
        if source.random() < 0.9:
            weights[address] = source.randint(0, largest)
    benched = {voter for voter in weights if source.random() < 0.15}
    return {
        "commits": commits,
        "reveals": reveals,
        "weights": weights,
        "feeds": feeds,
        "voting_round": 9,
        "benched": benched,
        "registered_weight": max(sum(weights.values()), 1),
    }


@pytest.mark.parametrize("seed", range(10))
def test_random_rounds_are_the_slow_references(seed: int, volume: Callable[[int, int], int]) -> None:
    """Ten batches of 1,000 rounds: medians, random, offenders and root are those of the specification's sentences."""
    source = random.Random(seed)
    for _ in range(volume(1_000, 100_000)):
        case = random_case(source)
        result, expected = compute_round(**case), slow_reference.compute_round(**case)

        assert expected == {
            "medians": list(result.medians),
            "offenders": result.offenders,
            "root": result.merkle_root,
            "random": result.random,
            "secure": result.is_secure_random,
        }


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_commits_and_reveals_changes_no_round(seed: int) -> None:
    """Each of 200 random rounds in another order of submissions."""
    source = random.Random(seed)
    for _ in range(200):
        case = random_case(source)
        shuffled = dict(case)
        for name in ("commits", "reveals"):
            pairs = list(case[name].items())
            source.shuffle(pairs)
            shuffled[name] = dict(pairs)

        assert compute_round(**case) == compute_round(**shuffled)
