"""Put a wallet's key into the box in which it leaves, once two others have agreed."""

from functions.contests.adapters.export_steps import SealExport
from functions.contests.wiring import KeyDeps, build_export_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@task_handler(build_export_deps)
def handler(task: Task[SealExport], deps: KeyDeps) -> Outcome:
    return deps.key_exports.seal(task.payload.export, task.fence)
