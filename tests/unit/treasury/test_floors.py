"""Floors: when a wallet is alarmed, and when it is sent how much."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.treasury.floors import BELOW_FLOOR, DIFFERS, UNFUNDED, UNSETTLED, Level, Ruling, rule

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ruling(**changes: Any) -> Ruling:
    """What is ruled of a balanced wallet with a floor of 20, a target of 50 and a funder that can spare 100."""
    level: dict[str, Any] = {
        "balance": 19,
        "floor": 20,
        "target": 50,
        "verdict": "balanced",
        "pending_since": None,
        "is_halted": False,
        "is_topped_up": False,
        "funder_spare": 100,
    }
    return rule(Level(**{**level, **changes}), NOW)


def test_a_wallet_at_its_floor_needs_nothing() -> None:
    """The floor is what it should not fall below."""
    assert ruling(balance=20) == Ruling(alarms=(), top_up=0)


def test_a_wallet_below_its_floor_is_alarmed_and_filled_to_its_target() -> None:
    """Not only to its floor, or it would be low again at once."""
    assert ruling() == Ruling(alarms=(BELOW_FLOOR,), top_up=31)
    assert ruling(verdict="pending", pending_since=NOW) == Ruling(alarms=(BELOW_FLOOR,), top_up=31)


@pytest.mark.parametrize("reason", [{"is_halted": True}, {"is_topped_up": True}, {"funder_spare": None}])
def test_no_second_top_up_and_none_while_halted_or_unfunded(reason: dict[str, Any]) -> None:
    """It stays alarmed."""
    assert ruling(**reason) == Ruling(alarms=(BELOW_FLOOR,), top_up=0)


def test_no_money_is_sent_while_books_and_chain_differ() -> None:
    """Nobody knows which of them is right."""
    assert ruling(verdict="difference") == Ruling(alarms=(BELOW_FLOOR, DIFFERS), top_up=0)


def test_a_funder_keeps_its_own_floor() -> None:
    """What it can spare to the last unit is sent; a unit less, and it is alarmed instead."""
    assert ruling(funder_spare=31).top_up == 31
    assert ruling(funder_spare=30) == Ruling(alarms=(BELOW_FLOOR, UNFUNDED), top_up=0)


def test_what_is_pending_for_an_hour_is_alarmed() -> None:
    """Before, it may still be finality; a balanced wallet's past does not count."""
    hour, almost = NOW - timedelta(hours=1), NOW - timedelta(minutes=59, seconds=59)

    assert ruling(balance=20, verdict="pending", pending_since=hour).alarms == (UNSETTLED,)
    assert ruling(balance=20, verdict="pending", pending_since=almost).alarms == ()
    assert ruling(balance=20, verdict="balanced", pending_since=hour).alarms == ()


def test_a_difference_is_alarmed_whatever_the_balance() -> None:
    """Also in a rich wallet."""
    assert ruling(balance=10**30, verdict="difference").alarms == (DIFFERS,)
