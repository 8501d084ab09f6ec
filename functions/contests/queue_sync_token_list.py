"""Take over the list of tokens as it is now, ranked by size."""

from functions.contests.adapters.market_tasks import MarketSlot
from functions.contests.wiring import Deps, build_market_deps
from kernel.handler import count, task_handler
from kernel.tasks import Task


@task_handler(build_market_deps)
def handler(_task: Task[MarketSlot], deps: Deps) -> None:
    count("tokens_listed", deps.token_list.sync())
