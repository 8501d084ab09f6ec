"""What Lambda's runtime client calls in the benchmark of invocations: per trigger one of ours, and the bare peer.

Ours do nothing but pass the border (kernel.handler): parsing, correlation, logs, metrics, deadline, failure policy.
"""

from typing import Any

from kernel.clock import SystemClock
from kernel.handler import Message, SocketCall, SocketReply, Tick, queue_handler, scheduled, websocket


class Deps:
    """Nothing but the present."""

    clock = SystemClock()


@scheduled(Deps)
def tick(_tick: Tick, _deps: Deps) -> None:
    """A schedule."""


@queue_handler(Deps)
def message(_message: Message, _deps: Deps) -> None:
    """A queue."""


@websocket(Deps)
def socket(_call: SocketCall, _deps: Deps) -> SocketReply:
    """A WebSocket route."""
    return SocketReply(body={"type": "pong"})


def bare(_event: Any, _context: Any) -> dict[str, Any]:
    """What nobody would write shorter."""
    return {"statusCode": 200, "batchItemFailures": []}
