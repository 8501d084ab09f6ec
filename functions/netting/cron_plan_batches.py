"""Every minute: ask for the two nettings of the minute that begins, and tell of settlements that stand still."""

from functions.netting.adapters.net_steps import net_tasks
from functions.netting.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    deps.tasks.enqueue(net_tasks(tick.time))

    deps.standstill.tell()
