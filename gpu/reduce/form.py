"""Owns the form of a reduction's input and output: octets in, octets out, the same for everybody who computes it.

    input    columns x voters slots, each 4 octets, little-endian: the vote of one voter for one feed in one round as
             FTSO encodes it, value + 2^31; 0 is no vote
    output   3 x columns slots of the same form: medians, first quartiles, third quartiles; 0 where nobody voted

The weights stand in the arguments as texts, one a voter: in wei they do not fit into 64 bits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gpu.refusals import InputRefused

Slots = npt.NDArray[np.uint32]

SLOT: Final = np.dtype("<u4")
#: Positions share a 64-bit sort key with slots, and sums of so many limbs of 50 bits fit into it.
VOTERS_MAX: Final = 4_096
WEIGHT_MAX: Final = 2**100 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Votes:
    """The votes of some columns, and each voter's weight."""

    slots: Slots
    weights: tuple[int, ...]


def votes_of(arguments: Mapping[str, Any], content: bytes | None) -> Votes:
    """The votes that a job names. Raises InputRefused."""
    weights = tuple(_weight(one) for one in _texts(arguments))
    voters = len(weights)
    if not 1 <= voters <= VOTERS_MAX:
        raise InputRefused(f"there are 1 to {VOTERS_MAX} voters, not {voters}")
    if content is None or len(content) % (voters * SLOT.itemsize):
        raise InputRefused(f"the input is not columns of {voters} votes of {SLOT.itemsize} octets")
    return Votes(np.frombuffer(content, dtype=SLOT).reshape(-1, voters), weights)


def medians_of(columns: int, output: bytes | None) -> Slots | None:
    """Medians and quartiles as they were put out, or None where they are not of this form."""
    if output is None or len(output) != 3 * columns * SLOT.itemsize:
        return None
    return np.frombuffer(output, dtype=SLOT).reshape(3, columns)


def _texts(arguments: Mapping[str, Any]) -> list[Any]:
    given = arguments.get("weights")
    if set(arguments) != {"weights"} or not isinstance(given, list):
        raise InputRefused("the arguments are weights, a list, and nothing else")
    return given


def _weight(text: Any) -> int:
    if not isinstance(text, str) or not _DIGITS.fullmatch(text) or int(text) > WEIGHT_MAX:
        raise InputRefused("a weight is the text of an integer from 0 to 2^100 - 1")
    return int(text)
