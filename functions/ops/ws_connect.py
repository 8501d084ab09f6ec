"""Accept a WebSocket connection and register it; anonymous, since no topic is offered yet."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler import SocketCall, SocketReply, websocket


@websocket(build_realtime_deps)
def handler(call: SocketCall, deps: RealtimeDeps) -> SocketReply:
    deps.connections.open(call.connection_id, call.connected_at, call.callback_url)
    return SocketReply()
