"""What the faucet gives, how often, and when it takes back."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.contests.core.faucet import (
    GRANT_LAMPORTS,
    LOW_CHECKS,
    PAUSE,
    RESERVE_LAMPORTS,
    FaucetRefused,
    Standing,
    after_check,
    can_grant,
    may_be_granted,
    require_faucet,
    taken_back,
    wait_s,
)

pytestmark = pytest.mark.unit
SOL = 10**9
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_the_amounts_are_those_that_were_agreed() -> None:
    """0.025 SOL, 0.05 SOL, 15 minutes, three checks."""
    assert (GRANT_LAMPORTS, RESERVE_LAMPORTS, PAUSE, LOW_CHECKS) == (SOL // 40, SOL // 20, timedelta(minutes=15), 3)


def test_a_grant_leaves_the_reserve_to_the_lamport() -> None:
    """What is on its way counts as gone."""
    least = RESERVE_LAMPORTS + GRANT_LAMPORTS

    assert [can_grant(least, 0), can_grant(least - 1, 0)] == [True, False]
    assert [can_grant(least + 7, 7), can_grant(least + 6, 7)] == [True, False]


def test_an_address_waits_a_quarter_of_an_hour() -> None:
    """To the second; the wait is told in whole ones, one at least."""
    assert may_be_granted(None, NOON)
    assert [may_be_granted(NOON, NOON + PAUSE - SECOND), may_be_granted(NOON, NOON + PAUSE)] == [False, True]
    assert [wait_s(NOON, NOON), wait_s(NOON, NOON + SECOND / 2), wait_s(NOON, NOON + PAUSE)] == [900, 900, 1]


def test_mainnet_has_no_faucet() -> None:
    """Whatever is set up; elsewhere one that is set up is there."""
    assert require_faucet("devnet", "an address") == "an address"
    for cluster, faucet in (("mainnet", "an address"), ("mainnet", None), ("devnet", None)):
        with pytest.raises(FaucetRefused):
            require_faucet(cluster, faucet)


def test_three_low_checks_in_a_row_take_back() -> None:
    """And counting begins anew; one that finds enough begins it anew, too."""
    low, enough = RESERVE_LAMPORTS, SOL
    assert after_check(0, low, 0) == Standing(1, is_sweep_due=False)
    assert after_check(1, low, 0) == Standing(2, is_sweep_due=False)
    assert after_check(2, low, 0) == Standing(0, is_sweep_due=True)
    assert after_check(2, enough, 0) == Standing(0, is_sweep_due=False)
    assert after_check(2, enough, enough) == Standing(0, is_sweep_due=True)


def test_a_test_wallet_keeps_half_a_hundredth() -> None:
    """Only above a hundredth is anything taken."""
    assert [taken_back(SOL // 100), taken_back(SOL // 100 + 1), taken_back(0)] == [0, SOL // 200 + 1, 0]
    assert taken_back(SOL) == SOL - SOL // 200
