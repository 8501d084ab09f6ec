"""Take longer than the function's time-out."""

import time
from typing import Any


def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Sleep until killed."""
    print(f"sleeping with {context.get_remaining_time_in_millis()} ms left", flush=True)  # noqa: T201
    time.sleep(30)
    return {}
