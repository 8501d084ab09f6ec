"""Every hour: ask for this week's model of anomalies, if nobody has and there is enough to grow it from."""

from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """An hour that is lost costs an hour: the job's business key is the week."""
    asked = deps.anomalies.training.ask(tick.time)

    count("forests_asked_for", int(asked is not None))
