"""Push what waits for one shard of a topic's readers; a repeated or late message finds nothing to do."""

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler import Message, queue_handler
from kernel.realtime import order_of


@queue_handler(build_realtime_deps)
def handler(message: Message, deps: RealtimeDeps) -> None:
    topic, shard = order_of(message.json())

    deps.realtime.fan_out(topic, shard)
