"""Where the bridge's money should be: what is collected, and who must be told."""

from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.core.rebalance import (
    CAPITAL_SHORT,
    NOWHERE_TO_COLLECT,
    Collect,
    Earnings,
    Plan,
    SignerLevel,
    plan,
)
from tests.unit.bridge.orders import ETHER

pytestmark = pytest.mark.unit

OPERATOR = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
RESERVE = ETHER // 1_000
SIGNER = SignerLevel(
    balance_wei=10 * ETHER,
    floor_wei=2 * ETHER,
    target_wei=12 * ETHER,
    is_sound=True,
    funder_spare_wei=100 * ETHER,
    is_topped_up=False,
)
EARNINGS = Earnings(
    origin="zksync",
    balance_wei=6 * ETHER,
    floor_wei=1 * ETHER,
    target_wei=5 * ETHER,
    is_sound=True,
    collect_to=OPERATOR,
    reserve_wei=RESERVE,
    is_collecting=False,
)
LOW = replace(SIGNER, balance_wei=2 * ETHER - 1)
POOR = replace(EARNINGS, balance_wei=5 * ETHER)


def planned(signer: SignerLevel = SIGNER, *earnings: Earnings, is_halted: bool = False) -> Plan:
    """The plan of a signer and some origins."""
    return plan(signer, earnings, is_halted=is_halted)


def test_earnings_above_the_target_are_brought_down_to_the_floor() -> None:
    """Less what the transfer may cost, so that the wallet never falls below its floor."""
    wanted = Collect(origin="zksync", recipient=OPERATOR, amount_wei=5 * ETHER - RESERVE)

    assert planned(SIGNER, EARNINGS) == Plan(collects=(wanted,), alarms=())


def test_earnings_at_the_target_stay() -> None:
    """Only what is above it goes."""
    assert planned(SIGNER, POOR) == Plan(collects=(), alarms=())


@pytest.mark.parametrize(
    "changes",
    [
        {"is_sound": False},  # nobody knows what is true
        {"is_collecting": True},  # one at a time
        {"balance_wei": ETHER + RESERVE, "target_wei": ETHER},  # the fee would eat it all
    ],
)
def test_earnings_wait_for_what_is_unclear_under_way_or_too_little(changes: dict[str, Any]) -> None:
    """And nobody is told: it passes."""
    assert planned(SIGNER, replace(EARNINGS, **changes)) == Plan(collects=(), alarms=())


def test_a_halted_service_sends_nothing() -> None:
    """Its earnings stay where they are."""
    assert planned(SIGNER, EARNINGS, is_halted=True).collects == ()


def test_earnings_with_nowhere_to_go_need_a_person() -> None:
    """They would pile up unseen."""
    nowhere = replace(EARNINGS, collect_to=None)

    assert planned(SIGNER, nowhere) == Plan(collects=(), alarms=(NOWHERE_TO_COLLECT,))


def test_every_origin_is_looked_at_by_itself() -> None:
    """One that waits keeps no other from being collected."""
    waiting = replace(EARNINGS, origin="starknet", is_collecting=True)

    assert [one.origin for one in planned(SIGNER, waiting, EARNINGS).collects] == ["zksync"]


@pytest.mark.parametrize(
    "changes",
    [
        {"funder_spare_wei": None},  # nobody funds it
        {"funder_spare_wei": 10 * ETHER},  # one wei too little for the target
        {"is_sound": False},
    ],
)
def test_a_signer_whom_nothing_can_help_needs_a_person(changes: dict[str, Any]) -> None:
    """No top-up, nothing to collect."""
    assert planned(replace(LOW, **changes), POOR).alarms == (CAPITAL_SHORT,)


def test_a_signer_that_is_topped_up_needs_nobody() -> None:
    """Whether it can be, or is already."""
    enough = replace(LOW, funder_spare_wei=10 * ETHER + 1)
    under_way = replace(LOW, funder_spare_wei=0, is_topped_up=True)

    assert (planned(enough).alarms, planned(under_way).alarms) == ((), ())


def test_a_signer_at_its_floor_needs_nobody() -> None:
    """The floor itself is enough."""
    assert planned(replace(SIGNER, balance_wei=2 * ETHER, funder_spare_wei=None)).alarms == ()


@pytest.mark.parametrize("other", [EARNINGS, replace(EARNINGS, is_collecting=True)])
def test_while_earnings_are_collected_the_operator_has_what_to_send(other: Earnings) -> None:
    """What is collected is what the signer lacks."""
    assert planned(replace(LOW, funder_spare_wei=None), other).alarms == ()


def test_a_halted_service_is_not_topped_up() -> None:
    """So a low signer is told of although its funder could help."""
    assert planned(LOW, EARNINGS, is_halted=True).alarms == (CAPITAL_SHORT,)
