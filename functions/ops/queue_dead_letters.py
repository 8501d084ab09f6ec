"""Record a message that was given up; park the task it names if its workers died."""

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Message, count, queue_handler


@queue_handler(build_deps)
def handler(message: Message, deps: Deps) -> None:
    verdict = deps.dead_letters.bury(
        queue=message.queue, message_id=message.message_id, body=message.body, attributes=message.attributes
    )

    count(f"dead_letters_{verdict}")
