"""How an ingested point looks in JSON, for the OpenAPI document; functions.oracle.core.ingest judges it."""

from typing import Any, Final

_DECIMAL: Final = {"type": "string", "pattern": r"^[0-9]{1,20}(\.[0-9]{1,18})?$"}

FEED_SCHEMA: Final[dict[str, Any]] = {
    "title": "Feed",
    "type": "object",
    "description": "A decimal is best sent as text; a JSON number is taken at its shortest decimal form.",
    "required": ["symbol", "price", "source", "timestamp"],
    "properties": {
        "symbol": {"type": "string", "pattern": "^[A-Z0-9]+/[A-Z]+$", "maxLength": 64, "example": "BTC/USD"},
        "price": {"anyOf": [_DECIMAL, {"type": "number", "exclusiveMinimum": 0}], "example": "67123.45"},
        "volume": {"anyOf": [_DECIMAL, {"type": "number", "minimum": 0}, {"type": "null"}], "example": "1.5"},
        "source": {"type": "string", "pattern": "^[a-z0-9_.-]{1,64}$", "example": "kraken"},
        "timestamp": {"type": "string", "format": "date-time", "example": "2026-01-01T00:00:00Z"},
    },
}
