"""What the bridge's scene takes for a kept promise."""

from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.core.registry import Version
from infra.local.demo.bridge_count import Tally, broken_promises
from infra.local.demo.bridge_report import latency_line

pytestmark = pytest.mark.unit

KEPT = Tally(
    version=Version.V2,
    wanted={"completed": 48, "dropped: fee_below_cost": 1},
    outcomes={"completed": 48, "dropped: fee_below_cost": 1},
    orphaned=3,
    taken_back=5,
    duplicated=0,
    lost=0,
    l1_wei=-1_000,
    l2_wei=1_100,
    earned_wei=130,
    gas_wei=20,
    messages_wei=10,
    lost_wei=0,
    profit_wei=100,
    verdicts={"evm:1": "balanced", "evm:324": "balanced"},
)


def test_a_kept_promise_is_said_by_silence() -> None:
    """Dead workers and deposits that were taken back are no breach: they are what was survived."""
    assert broken_promises(KEPT) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"outcomes": {"completed": 49}},
            "v2: orders came to {'completed': 49}, not {'completed': 48, 'dropped: fee_below_cost': 1}",
        ),
        ({"duplicated": 1}, "v2: 1 recipients were paid too much"),
        ({"lost": 1}, "v2: 1 recipients were paid too little"),
        ({"profit_wei": 101}, "v2: the books say 101 wei of profit, the chains 100"),
        ({"l1_wei": -1_001}, "v2: the books say 100 wei of profit, the chains 99"),
        ({"verdicts": {"evm:1": "pending"}}, "v2: the treasury's own check says {'evm:1': 'pending'}"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_breaks_a_promise_is_named(change: dict[str, Any], sentence: str) -> None:
    """To the last wei: one is a breach."""
    assert broken_promises(replace(KEPT, **change)) == [sentence]


def test_latency_is_told_by_its_middle_and_its_end() -> None:
    """Of values in ascending order, or of none."""
    seconds = [float(number) for number in range(1, 101)]

    assert latency_line(seconds) == "Deposit to fill, 100 orders: p50 51.0 s, p99 100.0 s."
    assert latency_line([2.0]) == "Deposit to fill, 1 orders: p50 2.0 s, p99 2.0 s."
    assert latency_line([]) == "no order was paid"
