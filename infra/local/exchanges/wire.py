"""JSON as venues send it: numbers keep every digit, because a float would round what a client reads back."""

import json
import re
from decimal import Decimal
from typing import Any

# Wrapped in control characters, which no venue text contains, a number survives the encoder as text.
_MARK = "\x01"
_MARKED = re.compile(rb'"\\u0001([^"]*)\\u0001"')


def number(value: Decimal) -> str:
    """A JSON number, digit for digit; plain `str(value)` is for venues that send prices as text."""
    return f"{_MARK}{value:f}{_MARK}"


def render(answer: Any) -> bytes:
    """The body of an answer."""
    return _MARKED.sub(rb"\1", json.dumps(answer, separators=(",", ":")).encode())
