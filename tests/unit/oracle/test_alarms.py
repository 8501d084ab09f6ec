"""What about our part in the network needs a person."""

from dataclasses import replace

import pytest

from functions.oracle.core.alarms import Signs, alarms

pytestmark = pytest.mark.unit

WELL = Signs(
    our_faults=(),
    low_payers=(),
    hits=1_000,
    possible=1_000,
    rounds=40,
    faulty_weight_bips=0,
    newest_observed_s=10_000,
)
NOW_S = 10_100


def test_nothing_is_wrong() -> None:
    """Nobody is called."""
    assert () == alarms(WELL, NOW_S)


def test_each_fault_of_ours_is_an_alarm_of_its_name() -> None:
    """Once, and in order."""
    assert ("commit_missing", "reveal_late") == alarms(
        replace(WELL, our_faults=("reveal_late", "commit_missing", "reveal_late")), NOW_S
    )


def test_an_address_that_runs_dry_is_an_alarm() -> None:
    """However many there are."""
    assert ("low_balance",) == alarms(replace(WELL, low_payers=("0xaa", "0xbb")), NOW_S)


def test_too_few_hits_are_an_alarm_once_there_are_rounds_enough() -> None:
    """Exactly 80 % keeps the rewards; 39 rounds say nothing yet."""
    assert () == alarms(replace(WELL, hits=800), NOW_S)
    assert ("availability_short",) == alarms(replace(WELL, hits=799), NOW_S)
    assert () == alarms(replace(WELL, hits=799, rounds=39), NOW_S)


def test_a_third_of_the_weight_that_fails_is_an_alarm() -> None:
    """Below it some provider has a bad day."""
    assert () == alarms(replace(WELL, faulty_weight_bips=3_333), NOW_S)
    assert ("others_failing",) == alarms(replace(WELL, faulty_weight_bips=3_334), NOW_S)


def test_that_nothing_is_observed_any_more_is_an_alarm() -> None:
    """After a quarter of an hour."""
    assert () == alarms(WELL, 10_900)
    assert ("observation_stopped",) == alarms(WELL, 10_901)
