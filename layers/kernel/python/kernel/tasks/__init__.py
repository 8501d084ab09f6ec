"""Owns durable work: asked for once, claimed under a token, finished together with its effect."""

from kernel.postgres.fence import Fence
from kernel.tasks.dead_letters import DeadLetter, DeadLetters
from kernel.tasks.messages import MessageSender, OutgoingMessage, Queues, queue_of
from kernel.tasks.model import (
    Attempt,
    Done,
    NotClaimed,
    Outcome,
    Retry,
    Skipped,
    Task,
    TaskRecord,
    TaskSpec,
)
from kernel.tasks.sqs import QueueRefused, QueueUnavailable, SqsSender
from kernel.tasks.store import Tasks, TaskTaken

__all__ = [
    "Attempt",
    "DeadLetter",
    "DeadLetters",
    "Done",
    "Fence",
    "MessageSender",
    "NotClaimed",
    "Outcome",
    "OutgoingMessage",
    "QueueRefused",
    "QueueUnavailable",
    "Queues",
    "Retry",
    "Skipped",
    "SqsSender",
    "Task",
    "TaskRecord",
    "TaskSpec",
    "TaskTaken",
    "Tasks",
    "queue_of",
]
