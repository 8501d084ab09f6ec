"""Fail."""

from typing import Any


def handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Raise an error that the caller must not see."""
    raise RuntimeError("broken on purpose")
