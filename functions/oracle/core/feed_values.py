"""Owns the value vector of a commit and reveal: one 4-byte slot per feed, in the order of the reward epoch.

    slot = floor(value * 10**decimals + 1/2) + 2**31, big-endian; strictly between 0 and 2**32; 0 means missing

Half goes up, for negative values too (-2.5 becomes -2). Trailing missing slots may be cut, but one slot stays.
A reader pads what was cut.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from kernel.errors import Invalid

SLOT_SIZE_BYTES: Final = 4
SLOT_OFFSET: Final = 2**31
MISSING_SLOT: Final = bytes(SLOT_SIZE_BYTES)

Value = Decimal | int | float | str | None


class FeedValueOutOfRange(Invalid):
    """The value does not fit its feed's slot."""

    cause = "The value is not finite, or its integer form is not strictly between -2**31 and 2**31."
    remedy = "Leave the feed out of this round (a missing value)."


class FeedValuesMalformed(Invalid):
    """The value vector does not belong to this list of feeds."""

    cause = "The length is no multiple of 4 bytes, or there are more slots than feeds."
    remedy = "Decode with the feed order of the round's reward epoch."


def encode(values: Sequence[Value], decimals: Sequence[int]) -> bytes:
    """The vector of one value (or None) per feed, trailing missing slots cut.

    A float counts as its shortest decimal text. Raises FeedValueOutOfRange, FeedValuesMalformed.
    """
    if len(values) != len(decimals):
        raise FeedValuesMalformed(values=len(values), feeds=len(decimals))
    slots = b"".join(
        MISSING_SLOT if value is None else _slot(to_integer(value, places))
        for value, places in zip(values, decimals, strict=True)
    )
    return cut_trailing(slots)


def decode(data: bytes, decimals: Sequence[int]) -> list[Decimal | None]:
    """One value per feed with the feed's decimals as its exponent, None where missing. Raises FeedValuesMalformed."""
    return [
        None if integer is None else Decimal(integer).scaleb(-places)
        for integer, places in zip(decode_integers(data, len(decimals)), decimals, strict=True)
    ]


def encode_integers(integers: Sequence[int | None]) -> bytes:
    """The vector of values that are already integers in their feed's decimals. Raises FeedValueOutOfRange."""
    return cut_trailing(b"".join(MISSING_SLOT if integer is None else _slot(integer) for integer in integers))


def decode_integers(data: bytes, feed_count: int) -> list[int | None]:
    """One integer per feed, None where missing. Raises FeedValuesMalformed."""
    if not is_well_formed(data, feed_count):
        raise FeedValuesMalformed(length=len(data), feeds=feed_count)
    return [slot - SLOT_OFFSET if slot else None for slot in slot_matrix([data], feed_count)[0].tolist()]


def is_well_formed(data: bytes, feed_count: int) -> bool:
    """Whether a reader accepts the vector: whole slots, at most one per feed, possibly none at all."""
    return len(data) % SLOT_SIZE_BYTES == 0 and len(data) <= SLOT_SIZE_BYTES * feed_count


def slot_matrix(vectors: Sequence[bytes], feed_count: int) -> npt.NDArray[np.uint32]:
    """The raw slots of well-formed vectors, one row per vector and one column per feed; 0 is missing."""
    row_size_bytes = SLOT_SIZE_BYTES * feed_count
    rows = b"".join([vector.ljust(row_size_bytes, b"\0") for vector in vectors])
    return np.frombuffer(rows, dtype=">u4").reshape(len(vectors), feed_count).astype(np.uint32)


def to_integer(value: Decimal | int | float | str, decimals: int) -> int:
    """floor(value * 10**decimals + 1/2), exactly. Raises FeedValueOutOfRange."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if not exact.is_finite():
        raise FeedValueOutOfRange(value=str(value))
    sign, digits, exponent = exact.as_tuple()
    # Built from its parts because scaleb would round to the context's precision.
    shifted = Decimal((sign, digits, int(exponent) + decimals))
    if shifted.adjusted() > len(str(SLOT_OFFSET)):
        raise FeedValueOutOfRange(value=str(value))
    return int(shifted.to_integral_value(rounding=ROUND_HALF_DOWN if sign else ROUND_HALF_UP))


def cut_trailing(slots: bytes) -> bytes:
    """The vector without missing slots at its end; the first slot always stays."""
    while len(slots) > SLOT_SIZE_BYTES and slots.endswith(MISSING_SLOT):
        slots = slots[:-SLOT_SIZE_BYTES]
    return slots


def _slot(integer: int) -> bytes:
    if not -SLOT_OFFSET < integer < SLOT_OFFSET:
        raise FeedValueOutOfRange(value=integer)
    return (integer + SLOT_OFFSET).to_bytes(SLOT_SIZE_BYTES, "big")
