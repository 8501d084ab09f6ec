"""Owns how text from outside is read as JSON: only what RFC 8259 calls JSON, and nothing that could hurt the reader.

Python's reader takes NaN and Infinity, turns 1e999 into infinity, lone surrogates into text that no encoding can write,
and follows any nesting as deep as the recursion limit lets it, which a vendor may have raised beyond the C stack.
"""

import json
import math
import re
from typing import Any, NoReturn

#: Deeper than any document we take; each level costs the reader a frame.
DEEPEST = 64
# A whole string (an unfinished one up to the end, so that the scan stays linear), or one bracket.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class NotStrictJson(ValueError):
    """The text is no strict JSON."""


def read(text: str | bytes) -> Any:
    """The value. Raises NotStrictJson."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        _check_depth(decoded)
        value = json.loads(decoded, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError as unfit:
        raise NotStrictJson(NotStrictJson.__doc__) from unfit
    return value


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        if depth > DEEPEST:
            raise NotStrictJson("nested too deeply")


def _refuse(constant: str) -> NoReturn:
    raise NotStrictJson(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("a number beyond a float's range")
    return number
