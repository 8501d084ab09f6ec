"""Answer with the event and context that the function saw."""

import json
import os
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The whole event, what the context says, and the environment."""
    seen = {
        "event": event,
        "function": context.function_name,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "memory_mb": context.memory_limit_in_mb,
        "request_id": context.aws_request_id,
        "environment": dict(os.environ),
        "pid": os.getpid(),
    }
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-probe": "echo"},
        "cookies": ["a=1", "b=2"],
        "body": json.dumps(seen),
    }
