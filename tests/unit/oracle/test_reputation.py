"""How far sources are trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.reputation import FLOOR, INITIAL, STEP_MAX, agreement, learn, next_reputation

pytestmark = pytest.mark.unit

TRUST = st.floats(FLOOR, 1.0)
PRICES = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(
    ("price", "agreed"), [(100.0, 1.0), (100.25, 0.5), (99.75, 0.5), (100.5, 0.0), (99.5, 0.0), (200.0, 0.0)]
)
def test_agreement_falls_from_1_on_the_consensus_to_0_half_a_percent_away(price: float, agreed: float) -> None:
    """On both sides alike, and never below 0."""
    assert pytest.approx(agreed) == agreement(price, 100.0)


@given(TRUST, st.floats(0.0, 1.0))
def test_a_reputation_stays_within_its_bounds_and_its_step(current: float, agreed: float) -> None:
    """Whatever happens, in one decision."""
    after = next_reputation(current, agreed)

    assert FLOOR <= after <= 1.0
    assert abs(after - current) <= STEP_MAX + 1e-6


@given(TRUST, st.floats(0.0, 1.0))
def test_a_reputation_moves_towards_the_agreement(current: float, agreed: float) -> None:
    """Never past it, and never away from it."""
    after = next_reputation(current, agreed)
    target = max(FLOOR, agreed)

    assert min(current, target) - 1e-6 <= after <= max(current, target) + 1e-6


def test_a_step_is_a_twentieth_of_the_way_and_at_most_two_hundredths() -> None:
    """From 0.5: to 0.6 by 0.005, to 1.0 by 0.02 and not 0.025, to 0 likewise."""
    assert 0.505 == next_reputation(0.5, 0.6)
    assert 0.52 == next_reputation(0.5, 1.0)
    assert 0.48 == next_reputation(0.5, 0.0)


def test_a_liar_sinks_to_the_floor_in_more_than_an_hour_and_can_come_back() -> None:
    """48 rounds of 90 s at least."""
    trust, rounds = 1.0, 0
    while trust > FLOOR:
        trust, rounds = next_reputation(trust, 0.0), rounds + 1

    assert 48 <= rounds <= 80
    assert next_reputation(trust, 1.0) > FLOOR


def test_the_memory_halves_in_14_decisions() -> None:
    """Within the step's bound, half of a small difference is gone after 14."""
    trust = 0.5
    for _ in range(14):
        trust = next_reputation(trust, 0.6)

    assert 0.55 == pytest.approx(trust, abs=0.002)


def test_a_source_that_did_not_take_part_keeps_what_it_had_and_a_new_one_begins_in_the_middle() -> None:
    """And what was given stays as it was."""
    before = {"absent": 0.9, "good": 0.9}

    after = learn(before, {"good": 100.0, "new": 100.0, "bad": 101.0}, 100.0)

    assert {"absent": 0.9, "good": 0.905, "new": 0.52, "bad": 0.48} == after
    assert {"absent": 0.9, "good": 0.9} == before
    assert 0.5 == INITIAL


@given(st.dictionaries(st.sampled_from("abc"), TRUST), st.dictionaries(st.sampled_from("abc"), PRICES), PRICES)
def test_a_stored_reputation_replays(before: dict[str, float], prices: dict[str, float], consensus: float) -> None:
    """Six decimals: what is stored is what is used."""
    after = learn(before, prices, consensus)

    assert all(round(after[source], 6) == after[source] for source in prices)
    assert after == learn(before, prices, consensus)
