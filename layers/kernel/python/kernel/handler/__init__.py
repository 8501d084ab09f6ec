"""Owns the border between Lambda and the slices: one decorator per trigger, and the policy of failures.

    @scheduled(build_deps)      (tick: Tick, deps)            EventBridge, once a minute
    @task_handler(build_deps)   (task: Task[P], deps)         SQS messages that carry a task id
    @queue_handler(build_deps)  (message: Message, deps)      raw SQS messages: dead letters
    @websocket(build_deps)      (call: SocketCall, deps)      API Gateway WebSocket
    kernel.handler.http.api     FastAPI                       API Gateway HTTP; the only part that imports fastapi

Each returns an Entry, called by Lambda with (event, context); Entry.bind(deps) gives tests the same with theirs.
What a failure means is said by its class, see kernel.errors.
"""

from kernel.handler.entry import Container, Entry, HandlerDeps, TaskHandlerDeps
from kernel.handler.queue import Message, queue_handler
from kernel.handler.scheduled import Tick, scheduled
from kernel.handler.task import task_handler
from kernel.handler.telemetry import count, logger, traced
from kernel.handler.websocket import SocketCall, SocketReply, websocket

__all__ = [
    "Container",
    "Entry",
    "HandlerDeps",
    "Message",
    "SocketCall",
    "SocketReply",
    "TaskHandlerDeps",
    "Tick",
    "count",
    "logger",
    "queue_handler",
    "scheduled",
    "task_handler",
    "traced",
    "websocket",
]
