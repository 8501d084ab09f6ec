"""Collect prices once: ask every venue at the same time and store what each one said, or why it was left out."""

from functions.oracle.adapters.collect_tasks import CollectPrices
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Task


@task_handler(build_deps)
def handler(task: Task[CollectPrices], deps: Deps) -> None:
    """A venue that is down, slow or malformed costs only itself."""
    collected = deps.venues.collect(task.payload.bases)

    deps.repository.store_collection(collected.points, collected.reports, collected_at=task.run_at)
