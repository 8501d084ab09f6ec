"""Runs a hypothesis state machine the same way each time: the same examples on every machine, and none is too slow."""

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_machine(
    machine: type[RuleBasedStateMachine], *, examples: int, steps: int = 40, seed: int | None = None
) -> None:
    """So many lives of at most so many steps each. What the machine needs are attributes of its class.

    seed: for other examples than those that the machine's code stands for.
    """
    run_state_machine_as_test(
        machine if seed is None else seeded(seed)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
