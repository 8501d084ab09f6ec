"""Return the tick."""

from typing import Any


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The event as it came."""
    print("tick", event["time"])  # noqa: T201
    return event
