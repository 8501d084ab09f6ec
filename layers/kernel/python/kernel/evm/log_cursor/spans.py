"""Owns how many blocks are asked for at once: what a provider refuses is learned, and tried again rarely (pure).

A refusal brings the span down to what the provider names, else to what has gone well before, else to a half. The
refused span is remembered: growth, an eighth a read, closes in on it and stops below. Only when PATIENCE reads have
gone well is it tried once more, because plans are upgraded and a rate limit looks like a range limit.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

SPAN_MAX: Final = 2_000
SPAN_FIRST: Final = 256
PATIENCE: Final = 64

#: What providers say: a range that would do, "[0x10, 0x20]", or a number beside "block" or "range", "10,000" or "2k".
_SUGGESTED: Final = re.compile(r"\[\s*(0x[0-9a-f]+)\s*,\s*(0x[0-9a-f]+)\s*\]")
_NUMBER: Final = re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d{1,9})(k?)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How wide to ask. proven: the widest that went well; refused: the narrowest that did not; well: reads since."""

    blocks: int = SPAN_FIRST
    proven: int = 0
    refused: int | None = None
    well: int = 0


def after_refusal(span: Span, asked: int, words: str = "") -> Span:
    """The span after a read of `asked` blocks was refused with these words."""
    proven = min(span.proven, asked - 1)
    named = limit_named(words, asked)
    if named is not None:
        return Span(blocks=named, proven=min(proven, named), refused=named + 1)
    return Span(blocks=max(1, proven, asked // 2), proven=proven, refused=asked)


def after_success(span: Span, asked: int) -> Span:
    """The span after a read of `asked` blocks went well. A narrower read than the span teaches nothing."""
    if asked < span.blocks:
        return span
    wider = min(SPAN_MAX, span.blocks + max(1, span.blocks // 8))
    well, refused = span.well + 1, span.refused
    if refused is not None and wider >= refused:
        if well < PATIENCE:
            wider = (span.blocks + refused) // 2  # closes in on the limit, and stays one below what was refused
        else:
            wider, refused, well = refused, None, 0
    return Span(blocks=wider, proven=max(span.proven, asked), refused=refused, well=well)


def crowded(span: Span, taken: int) -> Span:
    """The span after a read brought more events than one commit takes: as wide as what was taken."""
    return replace(span, blocks=max(1, taken))


def limit_named(words: str, asked: int) -> int | None:
    """The number of blocks, less than was asked for, that a refusal names; None when it names none."""
    lower = words.lower()
    if suggested := _SUGGESTED.search(lower):
        first, last = (int(text, 16) for text in suggested.groups())
        return last - first + 1 if 0 <= last - first < asked - 1 else None
    if "block" not in lower and "range" not in lower:
        return None
    numbers = (int(digits.replace(",", "")) * (1_000 if k else 1) for digits, k in _NUMBER.findall(lower))
    return max((number for number in numbers if 1 <= number < asked), default=None)
