"""Somebody dies before and after each point of each scenario, and every obligation still becomes exactly one effect.

`make test` takes each named point of a few scenarios once. `make crash` takes every point of every scenario, and in
every variation every point of those few scenarios and each named point of the others; it prints the table.
"""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local import settings
from tests.crash.harness.campaign import Campaign, variations_of
from tests.crash.harness.scenario import Scenario, all_scenarios
from tests.crash.harness.site import Variation
from tests.crash.harness.stage import Stage
from tests.crash.harness.table import told

SOAK = settings.load().soak
# Two hundred processes die in a test: on a machine that does ten other things this takes its time.
pytestmark = [pytest.mark.crash, pytest.mark.timeout(7_200 if SOAK else 900)]
SEED = 20261121


def shares_of(scenario: Scenario, variation: Variation) -> int:
    """Only the variation that takes every point of a scenario is divided."""
    return scenario.shares if SOAK and variation == Variation() else 1


def named(scenario: Scenario, variation: Variation, share: int) -> str:
    """As -k finds it."""
    count = shares_of(scenario, variation)
    return f"{scenario.name}, {variation.name}" + (f", {share + 1} of {count}" if count > 1 else "")


CAMPAIGNS = [
    pytest.param(scenario, variation, share, id=named(scenario, variation, share))
    for scenario in all_scenarios().values()
    for variation in variations_of(scenario)
    if SOAK or (scenario.in_test and variation == Variation())
    for share in range(shares_of(scenario, variation))
]


@pytest.mark.parametrize(("scenario", "variation", "share"), CAMPAIGNS)
def test_whoever_dies_wherever_each_effect_happens_once(
    scenario: Scenario,
    variation: Variation,
    share: int,
    stage: Callable[[Scenario, int], Stage],
    volume: Callable[[int, int], int],
    record_property: Callable[[str, Any], None],
) -> None:
    """No point is left out, no effect is lost, none happens twice."""
    record_property("seed", SEED)

    every_point = SOAK and (scenario.in_test or variation == Variation())
    part = (share, shares_of(scenario, variation))
    tally = Campaign(stage(scenario, SEED), variation).run(named_only=not every_point, share=part)

    volume(tally.kills + tally.stalls, tally.kills + tally.stalls)
    record_property("tally", told(tally))
    assert "\n\n".join(tally.failures) == ""
    assert tally.unreached == []
    assert tally.points > 0
