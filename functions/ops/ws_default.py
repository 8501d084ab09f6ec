"""Answer a WebSocket message: subscribe, unsubscribe, request, auth, ping, or their older words."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler import SocketCall, SocketReply, websocket


@websocket(build_realtime_deps)
def handler(call: SocketCall, deps: RealtimeDeps) -> SocketReply:
    return SocketReply(body=deps.conversations.answer(call.connection_id, call.body))
