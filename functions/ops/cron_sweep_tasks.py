"""Every minute: send the tasks that nobody sent, pass on those of silent workers, and skip what is over."""

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(_tick: Tick, deps: Deps) -> None:
    sent = deps.tasks.sweep()
    parked = deps.tasks.parked_by_kind()

    count("tasks_swept", sent)
    count("tasks_parked", sum(parked.values()))
