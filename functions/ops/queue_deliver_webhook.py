"""Bring one message to one receiver of webhooks: at least once, under an id by which it is known again."""

from dataclasses import dataclass
from uuid import UUID

from functions.ops.wiring import SignerDeps, build_signer_deps
from kernel.handler import task_handler
from kernel.tasks import Outcome, Task


@dataclass(frozen=True, slots=True)
class DeliverWebhook:
    """Which message, and whose."""

    message_id: UUID
    endpoint_id: UUID


@task_handler(build_signer_deps)
def handler(task: Task[DeliverWebhook], deps: SignerDeps) -> Outcome:
    return deps.deliveries.deliver(task.payload.message_id, task.payload.endpoint_id, task.fence)
