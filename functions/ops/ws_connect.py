"""Accept a WebSocket connection: with a session if a token came along, else anonymous, for public topics."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler import SocketCall, SocketReply, websocket


@websocket(build_realtime_deps)
def handler(call: SocketCall, deps: RealtimeDeps) -> SocketReply:
    subprotocol = deps.conversations.greet(
        call.connection_id,
        protocols=call.headers.get("sec-websocket-protocol", ""),
        authorization=call.headers.get("authorization", ""),
    )
    return SocketReply(headers={"Sec-WebSocket-Protocol": subprotocol} if subprotocol else {})
