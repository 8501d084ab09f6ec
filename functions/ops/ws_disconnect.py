"""Forget a WebSocket connection that was closed."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler import SocketCall, SocketReply, websocket


@websocket(build_realtime_deps)
def handler(call: SocketCall, deps: RealtimeDeps) -> SocketReply:
    deps.connections.close(call.connection_id)
    return SocketReply()
