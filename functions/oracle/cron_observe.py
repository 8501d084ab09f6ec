"""Every minute: ask for the observation of the rounds that are finished, and tell what needs a person."""

from datetime import timedelta

from functions.oracle.adapters.observation_tasks import observation_tasks
from functions.oracle.core.sighting import rounds_to_observe
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

TWO_MINUTES = timedelta(minutes=2)


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """Idempotent per round. After an outage it goes on where it stood, so no round is left out."""
    newest = deps.observatory.observations.newest_round()

    rounds = rounds_to_observe(deps.flare.network, newest, tick.time, tick.time + TWO_MINUTES)

    deps.tasks.enqueue(observation_tasks(rounds))
    deps.observatory.alarming.tell(deps.flare.network)
