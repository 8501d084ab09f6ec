"""Every minute: ask for the observation of the rounds that are finished, and tell what needs a person."""

from datetime import timedelta

from functions.oracle.core.sighting import rounds_to_observe
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

TWO_MINUTES = timedelta(minutes=2)


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """Idempotent per round. After an outage it goes on where it stood, so no round is left out.

    What needs a person is told first, since it is told also while the chain is away.
    """
    deps.observatory.alarming.tell()
    asked = deps.observatory.observations.asked()
    first = deps.flare.first_round if asked is None else asked + 1

    rounds = rounds_to_observe(deps.flare.network, first, tick.time, tick.time + TWO_MINUTES, anew=asked is None)

    deps.observatory.observations.ask(rounds)
