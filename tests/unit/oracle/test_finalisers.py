"""The draw of finalisers."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.finalisers import ShareTooLarge, draw_finalisers, initial_seed
from functions.oracle.core.signing_policy import SigningPolicy
from tests.unit.oracle.facts import protocol, unhex
from tests.unit.oracle.slow_reference import keccak

pytestmark = pytest.mark.unit


def policy(*weights: int, seed: int = 1) -> SigningPolicy:
    voters = tuple("0x" + bytes([n]).hex() * 20 for n in range(len(weights)))
    return SigningPolicy(reward_epoch=1, start_voting_round=1, threshold=0, seed=seed, voters=voters, weights=weights)


def draw_by_hand(chosen: SigningPolicy, voting_round: int, share_bips: int) -> list[str]:
    """The draw once more: every unit of weight is a ticket with its voter's name."""
    tickets = [name for name, weight in zip(chosen.voters, chosen.weights, strict=True) for _ in range(weight)]
    weight_of = dict(zip(chosen.voters, chosen.weights, strict=True))
    seed = initial_seed(chosen.seed, 100, voting_round)
    drawn: list[str] = []
    while sum(weight_of[name] for name in drawn) < len(tickets) * share_bips // 10_000:
        name = tickets[int(seed.hex(), 16) % len(tickets)]
        drawn += [] if name in drawn else [name]
        seed = keccak(seed)
    return drawn


def test_the_published_seed() -> None:
    """Policy seed 1, protocol 2, round 3."""
    fact = protocol()["finaliser_seed"]

    assert unhex(fact["seed"]) == initial_seed(fact["policy_seed"], fact["protocol_id"], fact["voting_round"])


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=30),
    st.integers(0, 2**256 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 5_000),
)
def test_the_draw_is_one_of_tickets(weights: list[int], seed: int, voting_round: int, share_bips: int) -> None:
    """In the order of drawing, until the share is reached."""
    chosen = policy(*weights, seed=seed)

    assert draw_by_hand(chosen, voting_round, share_bips) == list(
        draw_finalisers(chosen, voting_round, share_bips=share_bips)
    )


def test_each_voters_tickets_are_its_own() -> None:
    """Where every voter has one, each border is hit: the ticket belongs to the voter above it."""
    equal = policy(*[1] * 100)

    assert all(draw_by_hand(equal, number, 500) == list(draw_finalisers(equal, number)) for number in range(50))


def test_the_share_is_5_percent() -> None:
    """Of 100 equal voters five are drawn; of 119 too, because the share is rounded down."""
    assert 5 == len(draw_finalisers(policy(*[1] * 100), 812_576))
    assert 5 == len(draw_finalisers(policy(*[1] * 119), 812_576))
    assert 6 == len(draw_finalisers(policy(*[1] * 120), 812_576))


def test_nobody_is_drawn_twice() -> None:
    """Half of the weight of ten voters: five of them."""
    drawn = draw_finalisers(policy(*[7] * 10), 3, share_bips=5_000)

    assert 5 == len(drawn) == len(set(drawn))


def test_a_voter_without_weight_is_never_drawn() -> None:
    """Wherever it stands."""
    drawn = {name for number in range(500) for name in draw_finalisers(policy(0, 50, 0, 50, 0), number)}

    assert {"0x" + "01" * 20, "0x" + "03" * 20} == drawn


def test_weight_is_chance() -> None:
    """Over 2,000 rounds a voter with nine times the weight is drawn first nine times as often."""
    firsts = Counter(draw_finalisers(policy(900, 100), number)[0] for number in range(2_000))

    assert 1_800 == pytest.approx(firsts["0x" + "00" * 20], abs=40)


def test_rounds_protocols_and_policies_draw_differently() -> None:
    """Each enters the seed."""
    equal = policy(*[1] * 250)
    draws = {
        draw_finalisers(equal, 7),
        draw_finalisers(equal, 8),
        draw_finalisers(equal, 7, protocol_id=200),
        draw_finalisers(replace(equal, seed=2), 7),
    }

    assert 4 == len(draws)


def test_a_policy_too_light_for_a_share_draws_nobody() -> None:
    """5 % of 19 is less than 1; and nobody has weight at all."""
    assert () == draw_finalisers(policy(19), 7)
    assert () == draw_finalisers(policy(0, 0), 7)


def test_a_share_beyond_half_is_refused() -> None:
    """The loop stays short."""
    assert draw_finalisers(policy(10, 10), 7, share_bips=5_000)
    with pytest.raises(ShareTooLarge):
        draw_finalisers(policy(10, 10), 7, share_bips=5_001)
