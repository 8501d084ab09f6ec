"""Every minute: plan the phases of the voting rounds that begin in the next two minutes."""

from datetime import timedelta

from functions.oracle.adapters.round_tasks import task_specs
from functions.oracle.core.phases import plan_phases
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

TWO_MINUTES = timedelta(minutes=2)


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """Idempotent per (round, phase). A phase that is late but whose window is still open runs at once."""
    rounds = deps.flare.network.rounds_between(deps.clock.now(), tick.time + TWO_MINUTES)

    phases = plan_phases(rounds, deps.settings.offsets)

    deps.tasks.enqueue(task_specs(phases))
