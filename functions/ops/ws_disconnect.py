"""Forget a WebSocket connection that was closed, and what it read."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler import SocketCall, SocketReply, websocket


@websocket(build_realtime_deps)
def handler(call: SocketCall, deps: RealtimeDeps) -> SocketReply:
    deps.registry.forget(call.connection_id)
    return SocketReply()
