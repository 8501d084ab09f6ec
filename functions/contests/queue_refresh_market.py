"""Ask for the prices that are due, the largest tokens' first, and tell them."""

from functions.contests.adapters.market_tasks import MarketSlot
from functions.contests.wiring import Deps, build_market_deps
from kernel.handler import count, task_handler
from kernel.tasks import Task


@task_handler(build_market_deps)
def handler(task: Task[MarketSlot], deps: Deps) -> None:
    refreshed = deps.token_list.refresh(task.payload.moment)

    count("tokens_asked", refreshed.asked)
    count("tokens_told", refreshed.told)
