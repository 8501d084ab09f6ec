"""Export one day of raw points: write it as Parquet into the bucket, read it back, and only then let it be dropped."""

from functions.oracle.adapters.point_days import ExportPoints
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_deps)
def handler(task: Task[ExportPoints], deps: Deps) -> Outcome:
    """Whoever dies before the end has left a file that the next one writes again."""
    exported = deps.time_series.days.export(task.payload.day, task.payload.generation)

    return deps.time_series.days.record(exported, fence=task.fence)
