"""Owns how components are packed into transactions.

A transaction holds so many entries, an item or a delta each: 40 bytes of data and two for its account in a lookup
table. Components are packed first fit decreasing: the largest first, each into the first transaction with room for it.
One that is larger than a transaction goes by parts, which the program adds up in an account of its own: every debit
before the first credit, so that nothing is given that was not taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.netting.core.components import Component

#: 1 232 bytes less signature, header, four keys, blockhash, compute budget, lookup table and the call's own head.
ENTRIES_MAX: Final = 22
#: A part names its lists three times, and its account of clearing.
PART_ENTRIES_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One transaction with one batch id. Items and deltas ascend."""

    items: tuple[tuple[str, str], ...]
    deltas: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One transaction of a component that comes in parts: positive lamports taken and given, and items."""

    debits: tuple[tuple[str, int], ...] = ()
    credits: tuple[tuple[str, int], ...] = ()
    items: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InParts:
    """A component that is too large for one transaction, under one batch id."""

    parts: tuple[Part, ...]


Settlement = Whole | InParts


def pack(components: Sequence[Component], entries_max: int = ENTRIES_MAX) -> list[Settlement]:
    """The transactions of a batch: whole ones first."""
    bins: list[list[Component]] = []
    room = FirstFit(entries_max)
    for component in sorted(components, key=lambda one: (-one.entries, one.deltas, one.items)):
        if 0 < component.entries <= entries_max:
            place = room.put(component.entries)
            if place == len(bins):
                bins.append([])
            bins[place].append(component)
    large = [one for one in components if one.entries > entries_max]
    return [*map(_whole, bins), *(in_parts(one, min(entries_max, PART_ENTRIES_MAX)) for one in large)]


def in_parts(component: Component, entries_max: int = PART_ENTRIES_MAX) -> InParts:
    """Debits, then credits, then items, cut where a transaction is full."""
    single = [
        *(Part(debits=((wallet, -delta),)) for wallet, delta in component.deltas if delta < 0),
        *(Part(credits=((wallet, delta),)) for wallet, delta in component.deltas if delta > 0),
        *(Part(items=(pair,)) for pair in component.items),
    ]
    starts = range(0, len(single), entries_max)
    return InParts(parts=tuple(_joined(single[start : start + entries_max]) for start in starts))


def transactions(settlements: Sequence[Settlement]) -> int:
    """How many transactions are sent; a component in parts is opened by one more."""
    return sum(1 if isinstance(one, Whole) else 1 + len(one.parts) for one in settlements)


def lower_bound(components: Sequence[Component], entries_max: int = ENTRIES_MAX) -> int:
    """No packing needs fewer transactions.

    All entries fill so many transactions; of components larger than half a transaction no two share one; and one that
    is too large needs its parts whatever else there is.
    """
    large = [one.entries for one in components if one.entries > entries_max]
    small = [one.entries for one in components if one.entries <= entries_max]
    part_max = min(entries_max, PART_ENTRIES_MAX)
    by_size = -(-sum(small) // entries_max)
    by_pairs = sum(1 for one in small if 2 * one > entries_max)
    return max(by_size, by_pairs) + sum(1 + -(-one // part_max) for one in large)


def _whole(group: Sequence[Component]) -> Whole:
    return Whole(
        items=tuple(sorted(pair for one in group for pair in one.items)),
        deltas=tuple(sorted(pair for one in group for pair in one.deltas)),
    )


def _joined(parts: Sequence[Part]) -> Part:
    return Part(
        debits=tuple(pair for one in parts for pair in one.debits),
        credits=tuple(pair for one in parts for pair in one.credits),
        items=tuple(pair for one in parts for pair in one.items),
    )


class FirstFit:
    """Bins of one size. Finds the first with room in logarithmic time: a tree over the bins keeps the largest room."""

    def __init__(self, size: int) -> None:
        self._size, self._leaves = size, 1
        self._room = [0, size]

    def put(self, entries: int) -> int:
        """The number of the first bin that took them; one more than there were, where none had room."""
        node = 1
        while node < self._leaves:
            node = 2 * node if self._room[2 * node] >= entries else 2 * node + 1
        place = node - self._leaves
        self._room[node] -= entries
        while node > 1:
            node //= 2
            self._room[node] = max(self._room[2 * node], self._room[2 * node + 1])
        if place == self._leaves - 1:
            self._grow()
        return place

    def _grow(self) -> None:
        """Twice the bins, so that there is always an empty one behind the last."""
        leaves = self._room[self._leaves :] + [self._size] * self._leaves
        self._leaves = len(leaves)
        self._room = [0] * self._leaves + leaves
        for node in range(self._leaves - 1, 0, -1):
            self._room[node] = max(self._room[2 * node], self._room[2 * node + 1])
