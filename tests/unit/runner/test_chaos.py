"""Chaos is decided by its seed alone."""

import pytest

from infra.local.runner.chaos import CALM, Chaos

pytestmark = pytest.mark.unit


def plan(chaos: Chaos, queue: str = "Jobs") -> list[tuple[float, ...]]:
    return [chaos.deliveries(queue, nth) for nth in range(1000)]


def test_same_seed_same_faults() -> None:
    """Two runs with one seed do the same; another seed or queue does something else."""
    chaos = Chaos(seed=5, duplicate=0.2, reorder=0.2)

    assert plan(chaos) == plan(Chaos(seed=5, duplicate=0.2, reorder=0.2))
    assert plan(chaos) != plan(Chaos(seed=6, duplicate=0.2, reorder=0.2))
    assert plan(chaos) != plan(chaos, "Other")


def test_calm_delivers_once_at_once() -> None:
    """Without chaos each message is delivered once, without delay."""
    assert {(0.0,)} == set(plan(CALM))


def test_rates_and_delays_are_kept() -> None:
    """About the asked share is doubled and held back, never longer than delay_ms after what it copies."""
    planned = plan(Chaos(seed=1, duplicate=0.3, reorder=0.1, delay_ms=400))

    assert 250 < sum(len(times) == 2 for times in planned) < 350
    assert 60 < sum(times[0] > 0 for times in planned) < 140
    assert max(times[0] for times in planned) <= 0.4
    assert max(later - first for first, later in (times for times in planned if len(times) == 2)) <= 0.4
