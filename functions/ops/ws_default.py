"""Answer a WebSocket message: ping with pong; every other action is unknown yet."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.errors import Invalid
from kernel.handler import SocketCall, SocketReply, websocket


class UnknownAction(Invalid):
    """This action is not known here."""

    code = "unknown_action"
    cause = "The message's action is missing, or none of those that are offered."
    remedy = 'Send {"action": "ping"}.'


@websocket(build_realtime_deps)
def handler(call: SocketCall, deps: RealtimeDeps) -> SocketReply:
    if call.action != "ping":
        raise UnknownAction
    return SocketReply(body={"type": "pong", "time": deps.clock.now().isoformat()})
