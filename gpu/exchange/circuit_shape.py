"""Owns for how many agents and how long lists a circuit is, and what of a market goes in privately."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BITS: Final = 12
PER_WORD: Final = 21
WORD_BITS: Final = BITS * PER_WORD
SIZE_MAX: Final = (1 << BITS) - 1


class Unshown(ValueError):
    """The positions and labels do not show that the allocation is right, or are not of this circuit's size."""


@dataclass(frozen=True, slots=True)
class Shape:
    """For how many agents a circuit is, and for how long lists."""

    size: int
    list_max: int

    def __post_init__(self) -> None:
        if not (2 <= self.size <= SIZE_MAX and 1 <= self.list_max <= PER_WORD):
            raise Unshown(f"there is no circuit for {self.size} agents with lists of {self.list_max}")

    @property
    def item_bits(self) -> int:
        """Of an item, counted from one, or of none."""
        return self.size.bit_length()

    @property
    def label_bits(self) -> int:
        """Of a label less one, and of how far one label is below another."""
        return (self.size - 1).bit_length()

    @property
    def multiplicity_bits(self) -> int:
        """Of how often a pair is looked up."""
        return (self.size * self.list_max).bit_length()


@dataclass(frozen=True, slots=True)
class Claim:
    """What is shown of each agent, those included that the market does not have: list word, position, label."""

    lists: tuple[int, ...]
    positions: tuple[int, ...]
    labels: tuple[int, ...]


def claim_of(shape: Shape, lists: Sequence[int], positions: Sequence[int], labels: Sequence[int]) -> Claim:
    """A market's certificate for this size: agents beyond it list nothing and keep their own. Raises Unshown."""
    if not len(lists) == len(positions) == len(labels) <= shape.size:
        raise Unshown(f"{len(lists)} lists, {len(positions)} positions, {len(labels)} labels for {shape.size} agents")
    if any(not 0 <= position <= shape.list_max for position in positions):
        raise Unshown("a position is not one of a list, nor that of the own item")
    if any(not 1 <= label <= 1 << shape.label_bits for label in labels):
        raise Unshown("a label is none that this circuit knows")
    if any(word >> shape.list_max * BITS for word in lists):
        raise Unshown("a list is longer than the circuit's")
    rest = shape.size - len(lists)
    own = (shape.list_max,) * rest
    return Claim((*lists, *(0,) * rest), (*positions, *own), (*labels, *(1,) * rest))
