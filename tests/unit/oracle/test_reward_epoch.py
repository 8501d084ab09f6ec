"""The rewards of a whole reward epoch: an example by hand, and what holds for any."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.feed_values import encode_integers, slot_matrix
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.core.median import Median
from functions.oracle.core.minimal_conditions import hits
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.reward_claims import Claim, ClaimType, Provider
from functions.oracle.core.reward_epoch import (
    EpochRewards,
    RewardRound,
    RewardVoter,
    close_votes,
    epoch_rewards,
    lookahead_randoms,
)
from functions.oracle.core.reward_rules import RewardRules
from functions.oracle.core.reward_terms import FeedTerms, Terms, UpdateTerms
from functions.oracle.core.signing_policy import SigningPolicy
from functions.oracle.core.signing_rewards import Deposit, Finalisation, SigningTimes

pytestmark = pytest.mark.unit

BURN = "0x" + "dd" * 20
RULES = RewardRules(burn_address=BURN, times=SigningTimes(), has_conditions=False)
WEIGHTS = (30, 30, 30, 10)
VALUES = (100_000, 100_100, 100_200, 500_000)
SIGNED = b"\x07" * 32
SECURE = RoundRandom(42, True)
UPDATED = b"\x02" * 21


def address(kind: int, position: int) -> str:
    return "0x" + bytes([kind, position]).hex() * 10


VOTERS = tuple(
    RewardVoter(
        provider=Provider(
            identity=address(1, position), delegation=address(2, position), fee_bips=2_000, delegated_weight=weight
        ),
        submit=address(3, position),
        weight=weight,
        median_weight=weight,
    )
    for position, weight in enumerate(WEIGHTS)
)


def policy_drawing(position: int, voting_round: int) -> SigningPolicy:
    """One whose first finaliser of the round is that voter."""
    signers = tuple(address(4, one) for one in range(len(WEIGHTS)))
    for seed in range(1_000):
        policy = SigningPolicy(
            reward_epoch=1, start_voting_round=10, threshold=50, seed=seed, voters=signers, weights=WEIGHTS
        )
        if draw_finalisers(policy, voting_round) == (signers[position],):
            return policy
    raise AssertionError("no seed draws it")


def terms(**changes: object) -> Terms:
    """Ten thousand units for one round; only the percentage band is rewarded, 10 % wide."""
    feed = FeedTerms(
        feed_id=b"\x01" * 21, decimals=2, min_turnout_bips=5_000, primary_share_ppm=0, secondary_band_ppm=100_000
    )
    whole = Terms(reward_epoch=1, first_round=10, last_round=10, offered_wei=10_000, feeds=(feed,))
    return replace(whole, **changes)  # type: ignore[arg-type]  # fields by name


def round_of(number: int = 10, **changes: object) -> RewardRound:
    """Everybody votes and signs in time; the drawn voter 0 finalises."""
    whole = RewardRound(
        voting_round=number,
        random=SECURE,
        votes={position: encode_integers([value]) for position, value in enumerate(VALUES)},
        offenders=frozenset(),
        deposits=tuple(Deposit(position, SIGNED, 50) for position in range(4)),
        finalisations=(Finalisation(address(4, 0), 55, True),),
        finalised_hash=SIGNED,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # fields by name


def rewards(
    given_terms: Terms,
    *rounds: RewardRound,
    rules: RewardRules = RULES,
    randoms: Mapping[int, RoundRandom] | None = None,
    passes: Mapping[str, int] | None = None,
    voters: Sequence[RewardVoter] = VOTERS,
) -> EpochRewards:
    found = {11: SECURE} if randoms is None else randoms
    recorded = {one.voting_round: one for one in rounds}
    return epoch_rewards(given_terms, voters, policy_drawing(0, 10), recorded, found, rules, passes or {})


def amounts(found: EpochRewards) -> dict[tuple[str, ClaimType], int]:
    return {(claim.beneficiary, claim.type): claim.amount for claim in found.claims}


def test_a_round_by_hand() -> None:
    """8 000 by weight to the three within the band, 1 000 to signers, 1 000 to the finaliser; the fourth's is burnt."""
    found = rewards(terms(), round_of())

    assert {
        (address(1, 0), ClaimType.FEE): 533 + 60 + 200,
        (address(2, 0), ClaimType.WNAT): 2_133 + 240 + 800,
        (address(1, 1), ClaimType.FEE): 533 + 60,
        (address(2, 1), ClaimType.WNAT): 2_134 + 240,
        (address(1, 2), ClaimType.FEE): 533 + 60,
        (address(2, 2), ClaimType.WNAT): 2_134 + 240,
        (BURN, ClaimType.DIRECT): 100,
    } == amounts(found)
    assert [(2_666, 300, 1_000), (2_667, 300, 0), (2_667, 300, 0), (0, 0, 0)] == [
        (share.accuracy_wei, share.signing_wei, share.finalising_wei) for share in found.shares
    ]
    assert (100, 3) == (found.burnt_wei, found.weight_based)


def test_without_a_secure_random_number_all_is_burnt() -> None:
    """Whoever offended goes free with it."""
    found = rewards(terms(updates_wei=7), round_of(offenders=frozenset((address(3, 1),))), randoms={})

    assert {(BURN, ClaimType.DIRECT): 10_007} == amounts(found)
    assert [0, 0, 0, 0] == [share.penalty_wei for share in found.shares]


def test_an_offender_loses_thirty_times_its_share() -> None:
    """Of the whole round, taken from what it earned elsewhere, and burnt; nobody owes."""
    cheat = round_of(11, votes={0: encode_integers([100_000])}, offenders=frozenset((address(3, 1), "0xstranger")))
    found = rewards(terms(last_round=11, offered_wei=20_000), round_of(), cheat, randoms={11: SECURE, 12: SECURE})

    assert -90_000 == found.shares[1].penalty_wei
    assert (address(1, 1), ClaimType.FEE) not in amounts(found)
    assert 20_000 == sum(amounts(found).values())


def test_a_double_signer_is_punished_and_not_paid() -> None:
    """By its position in the signing policy."""
    twice = (Deposit(2, SIGNED, 50), Deposit(2, b"\x08" * 32, 51))

    found = rewards(terms(), round_of(deposits=twice))

    assert (-90_000, 0) == (found.shares[2].penalty_wei, found.shares[2].signing_wei)


def test_who_misses_the_minimal_conditions_loses_the_epoch() -> None:
    """On networks that have them, unless a pass is left; the others get no more for it."""
    strict = replace(RULES, has_conditions=True)
    lazy = replace(terms(), feeds=(*terms().feeds, replace(terms().feeds[0], feed_id=UPDATED)))
    votes = {position: encode_integers([value, 5 if position else 9]) for position, value in enumerate(VALUES)}
    one = round_of(votes=votes)

    found, spared = rewards(lazy, one, rules=strict), rewards(lazy, one, rules=strict, passes={address(1, 0): 1})

    assert [True, True, True, False] != [share.standing.is_rewarded for share in found.shares]
    assert not any(claim.beneficiary in (address(1, 0), address(2, 0)) for claim in found.claims)
    assert spared.shares[0].standing.is_rewarded
    assert amounts(spared)[address(1, 1), ClaimType.FEE] == amounts(found)[address(1, 1), ClaimType.FEE]


def test_fast_updates_are_paid_where_they_kept_near() -> None:
    """Equally to each update, the remainder to the first; a feed that strayed burns the pot."""
    offered = terms(updates_wei=100, update_feeds=(UpdateTerms(feed_id=b"\x01" * 21, band_ppm=1_000),))
    near = round_of(updates=(1, 1, 2), update_feeds={b"\x01" * 21: (100_100_000, 5)})
    far = replace(near, update_feeds={b"\x01" * 21: (100_500_000, 5)})

    paid = [share.updating_wei for share in rewards(offered, near).shares]

    assert [0, 67, 33, 0] == paid
    assert (200, 100) == (rewards(offered, far).burnt_wei, rewards(offered, near).burnt_wei)
    assert (2, 3) == (
        rewards(offered, near).shares[1].conduct.updates,
        rewards(offered, near).shares[1].conduct.all_updates,
    )


def test_hits_are_counted_over_all_rounds_and_feeds() -> None:
    """Within half a percent of the median, borders included."""
    found = rewards(terms(last_round=11, offered_wei=20_000), round_of(), round_of(11), randoms={12: SECURE})

    assert [(2, 2), (2, 2), (2, 2), (0, 2)] == [(share.conduct.hits, share.conduct.possible) for share in found.shares]


@given(
    st.lists(st.lists(st.none() | st.integers(-(2**31) + 1, 2**31 - 1), min_size=2, max_size=2), max_size=4),
    st.lists(st.none() | st.integers(-(2**31) + 1, 2**31 - 1), min_size=2, max_size=2),
)
def test_votes_counted_at_once_are_the_votes_counted_one_by_one(
    values: list[list[int | None]], middles: list[int | None]
) -> None:
    """Borders, negative values, missing votes and missing medians included."""
    slots = slot_matrix([encode_integers(row) for row in values], 2)
    medians = [Median(middle, middle, middle, 1) for middle in middles]

    assert [hits([row], [middles]) for row in values] == close_votes(slots, medians)


def test_a_round_that_was_not_recorded_is_noticed() -> None:
    """Rewards without it would be others'."""
    with pytest.raises(KeyError):
        rewards(terms(last_round=11), round_of())


def test_a_round_without_a_result_has_no_random_number() -> None:
    """And nobody earns in it."""
    empty = round_of(random=None, votes={}, finalisations=(), finalised_hash=None, deposits=())

    assert {10: SECURE} == lookahead_randoms([round_of(), replace(empty, voting_round=11)])
    assert 10_000 == rewards(terms(), empty).burnt_wei


@st.composite
def rounds(draw: st.DrawFn) -> RewardRound:
    number = draw(st.sampled_from([10, 11, 12]))
    positions = draw(st.sets(st.integers(0, 3)))
    hashes = st.sampled_from([SIGNED, b"\x08" * 32])
    return RewardRound(
        voting_round=number,
        random=RoundRandom(draw(st.integers(0, 2**64)), draw(st.booleans())),
        votes={one: encode_integers([draw(st.none() | st.integers(99_000, 101_000))]) for one in positions},
        offenders=frozenset(address(3, one) for one in draw(st.sets(st.integers(0, 3))) - positions),
        deposits=tuple(draw(st.lists(st.builds(Deposit, st.integers(0, 3), hashes, st.integers(40, 95)), max_size=8))),
        finalisations=tuple(
            draw(
                st.lists(
                    st.builds(
                        Finalisation,
                        st.sampled_from([address(4, 0), address(4, 1), address(9, 9)]),
                        st.integers(45, 89),
                        st.booleans(),
                    ),
                    max_size=3,
                )
            )
        ),
        finalised_hash=draw(st.none() | hashes),
        updates=tuple(draw(st.lists(st.integers(0, 3), max_size=4))),
        update_feeds={b"\x01" * 21: (draw(st.integers(99_000_000, 101_000_000)), 5)},
    )


@given(st.lists(rounds(), max_size=6), st.integers(0, 10**24), st.integers(0, 10**9), st.booleans())
def test_nothing_is_lost_or_made_up(drawn: list[RewardRound], offered: int, updates: int, conditions: bool) -> None:
    """Claims are positive, one a beneficiary and type, and add up to what was offered, whatever the rounds hold."""
    recorded = {number: round_of(number, votes={}) for number in (10, 11, 12)} | {
        one.voting_round: one for one in drawn
    }
    offer = terms(
        last_round=12,
        offered_wei=offered,
        updates_wei=updates,
        update_feeds=(UpdateTerms(feed_id=b"\x01" * 21, band_ppm=5_000),),
    )
    randoms = lookahead_randoms(recorded.values())

    found = rewards(offer, *recorded.values(), rules=replace(RULES, has_conditions=conditions), randoms=randoms)

    assert offered + updates == sum(claim.amount for claim in found.claims) == found.offered_wei
    assert all(isinstance(claim, Claim) and claim.amount > 0 for claim in found.claims)
    assert {1} >= set(Counter((claim.beneficiary, claim.type) for claim in found.claims).values())
    assert list(found.claims) == sorted(found.claims)
