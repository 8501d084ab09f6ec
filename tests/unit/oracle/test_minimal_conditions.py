"""The least that a provider must do."""

from dataclasses import replace

import pytest

from functions.oracle.core.minimal_conditions import Conduct, Stake, Standing, hits, is_close, standing

pytestmark = pytest.mark.unit

STAKE = Stake(self_bond=3_000_000, stake=15_000_000, stake_with_uptime=15_000_000)
MODEL = Conduct(hits=80, possible=100, updates=8, all_updates=100, weight=10, total_weight=100, stake=STAKE, passes=1)


def test_a_vote_within_half_a_percent_is_a_hit() -> None:
    """Borders included, on both sides; also around a negative median."""
    assert [False, True, True, False] == [is_close(value, 10_000) for value in (9_949, 9_950, 10_050, 10_051)]
    assert [True, False] == [is_close(value, -10_000) for value in (-10_050, -10_051)]


def test_missing_votes_and_medians_are_no_hits() -> None:
    """Nor is a feed beyond a vector that was cut."""
    assert 2 == hits([[1_000, None, 5], [1_000]], [[1_000, 1_000, None], [1_001, 1_000]])


def test_who_meets_all_conditions_earns_a_pass() -> None:
    """Up to three."""
    assert Standing(True, True, True, 2, True) == standing(MODEL)
    assert 3 == standing(replace(MODEL, passes=3)).passes


def test_a_hit_too_few_is_a_strike() -> None:
    """79 of 100."""
    assert Standing(False, True, True, 0, True) == standing(replace(MODEL, hits=79))


def test_an_update_too_few_is_a_strike() -> None:
    """Of a tenth of the weight 8 of 100 updates are expected: 80 % of 10."""
    assert Standing(True, False, True, 0, True) == standing(replace(MODEL, updates=7))


def test_very_little_weight_is_excused_from_updates() -> None:
    """Below 0.2 %."""
    assert standing(replace(MODEL, weight=199, total_weight=100_000, updates=0)).fast_updates
    assert not standing(replace(MODEL, weight=200, total_weight=100_000, updates=0)).fast_updates


def test_nodes_that_were_down_are_a_strike() -> None:
    """80 % of the stake must have been up; a self-bond of less than a million is one, too."""
    assert standing(replace(MODEL, stake=replace(STAKE, stake_with_uptime=12_000_000))).staking
    assert not standing(replace(MODEL, stake=replace(STAKE, stake_with_uptime=11_999_999))).staking
    assert not standing(replace(MODEL, stake=replace(STAKE, self_bond=999_999))).staking


def test_a_small_stake_neither_earns_nor_loses_a_pass() -> None:
    """A million bonded is enough to be rewarded."""
    assert Standing(True, True, True, 1, True) == standing(replace(MODEL, stake=replace(STAKE, self_bond=1_000_000)))
    assert Standing(True, True, True, 1, True) == standing(replace(MODEL, stake=replace(STAKE, stake=14_999_999)))


def test_more_strikes_than_passes_lose_the_rewards() -> None:
    """And no pass falls below zero."""
    assert Standing(False, False, True, 0, False) == standing(replace(MODEL, hits=0, updates=0))
    assert Standing(False, True, True, 0, False) == standing(replace(MODEL, hits=0, passes=0))


def test_a_network_without_stakes_asks_for_none() -> None:
    """Songbird."""
    assert Standing(True, True, True, 2, True) == standing(replace(MODEL, stake=None))
