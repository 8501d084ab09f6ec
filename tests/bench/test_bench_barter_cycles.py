"""Top trading cycles and the check of their certificate, beside the rule played round by round."""

import os
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from functions.barter.core.certificate import certify, check
from functions.barter.core.cycles import top_trading_cycles
from tests.unit.barter import slow_cycles

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
LIST_MAX = 16
#: The round-by-round rule takes minutes for more.
SLOW_MAX = 1_024


def crowded(agents: int) -> list[list[int]]:
    """Everybody wants sixteen of the others' items; those drawn twice are listed once."""
    dice = Random(agents)
    drawn = (dice.choices(range(agents), k=LIST_MAX) for _ in range(agents))
    return [list(dict.fromkeys(item for item in wishes if item != own)) for own, wishes in enumerate(drawn)]


def best_ms(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Milliseconds of the quickest round, and what came of it."""
    quickest, result = float("inf"), None
    for _ in range(rounds):
        began_s = time.perf_counter()
        result = work()
        quickest = min(quickest, 1_000 * (time.perf_counter() - began_s))
    return quickest, result


@pytest.mark.parametrize(("agents", "rounds"), [(64, 50), (1_024, 20), (100_000, 3), (1_000_000, 2)])
def test_cycles_and_their_certificate(agents: int, rounds: int, capsys: pytest.CaptureFixture[str]) -> None:
    """All three find the same; the slow one where it comes to an end."""
    lists = crowded(agents)
    solved_ms, received = best_ms(lambda: top_trading_cycles(lists), rounds)
    certified_ms, certificate = best_ms(lambda: certify(lists, LIST_MAX), rounds)
    checked_ms, shown = best_ms(lambda: check(lists, certificate, LIST_MAX), rounds)
    told = f"solved {solved_ms:,.2f} ms, certified {certified_ms:,.2f} ms, checked {checked_ms:,.2f} ms"
    if agents <= SLOW_MAX:
        slow_ms, slow = best_ms(lambda: slow_cycles.allocation(lists), 1)
        told += f", round by round {slow_ms:,.1f} ms, {slow_ms / solved_ms:,.0f} times as long"
        assert slow == received

    with capsys.disabled():
        sys.stdout.write(f"\nbarter: {agents:,} agents, lists of {LIST_MAX}: {told} (load {os.getloadavg()[0]:.1f})\n")
    assert received == shown
