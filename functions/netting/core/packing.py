"""Owns how components are packed into transactions.

What fits is a matter of bytes, and of which lookup tables the entries' accounts lie in (`sizes.py`). Components that
lie in the same tables are packed together, the largest first, each into the fullest transaction with room for it; what
does not fill one is packed anew whatever its tables, each where it takes the fewest bytes more.

A component that is larger than a transaction goes by parts, which the program adds up in an account of its own: every
debit before the first credit or item, so that nothing is given that was not taken.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from functions.netting.core.components import Component
from functions.netting.core.sizes import NO_SHELVES, PART, TRANSACTION_SIZE_BYTES_MAX, WHOLE, Kind, Load, Shelves

#: A group's transactions that are less full than this are packed anew with those of other groups.
FULL_PERCENT: Final = 90
#: So many transactions are looked at for one of what is left.
OPEN_MAX: Final = 64


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


@dataclass(slots=True)
class _Bin:
    """A transaction in the making."""

    components: list[Component]
    load: Load

    @property
    def is_full(self) -> bool:
        return self.load.size_bytes(WHOLE) * 100 >= FULL_PERCENT * TRANSACTION_SIZE_BYTES_MAX


_Loaded = tuple[Component, Load]


def pack(components: Sequence[Component], shelves: Shelves = NO_SHELVES) -> list[Settlement]:
    """The transactions of a batch: whole ones first."""
    loaded = sorted(((one, load_of(one, shelves)) for one in components if one.entries > 0), key=_largest_first)
    groups: defaultdict[tuple[str, ...], list[_Loaded]] = defaultdict(list)
    for component, load in loaded:
        if load.fits(WHOLE):
            groups[load.in_tables].append((component, load))
    bins = [one for _, group in sorted(groups.items()) for one in _packed_alike(group)]
    if len(groups) > 1:
        bins = _mended(bins, shelves)
    large = (one for one, load in loaded if not load.fits(WHOLE))
    return [*(_whole(one.components) for one in bins), *(in_parts(one, shelves) for one in large)]


def in_parts(component: Component, shelves: Shelves = NO_SHELVES) -> InParts:
    """Debits first, then credits and items; what lies in the same table together, cut where a transaction is full."""
    of_wallets, of_items = shelves.wallets.get, shelves.items.get
    taken = [(of_wallets(one), Part(debits=((one, -delta),))) for one, delta in component.deltas if delta < 0]
    given = [(of_wallets(one), Part(credits=((one, delta),))) for one, delta in component.deltas if delta > 0]
    given += [(of_items(item), Part(items=((item, owner),))) for item, owner in component.items]
    parts: list[list[Part]] = []
    load = Load()
    for table, single in (*sorted(taken, key=_table_first), *sorted(given, key=_table_first)):
        alone = Load.of([table])
        load = load.with_all(alone)
        if not parts or not load.fits(PART):
            parts.append([])
            load = alone
        parts[-1].append(single)
    return InParts(parts=tuple(_joined(one) for one in parts))


def transactions(settlements: Sequence[Settlement]) -> int:
    """How many transactions are sent; a component in parts is opened by one more."""
    return sum(1 if isinstance(one, Whole) else 1 + len(one.parts) for one in settlements)


def lower_bound(components: Sequence[Component], shelves: Shelves = NO_SHELVES) -> int:
    """No packing needs fewer transactions.

    1. Who shares a transaction with a component shares it with its tables, or with the bytes that it takes without
       them. So each needs at least the share that its entries have of those for which that leaves room.
    2. The same in bytes, which counts what lies in no table.
    3. No two components share a transaction that take more than half of its room each.
    4. One that is too large needs its opening and its parts, whatever else there is.
    """
    loads = [load for one in components if (load := load_of(one, shelves)).entries > 0]
    small = [load for load in loads if load.fits(WHOLE)]
    large = [load for load in loads if not load.fits(WHOLE)]
    counted = _shares((load.entries, load.company(WHOLE, shelves)) for load in small)
    weighed = _shares((load.least_bytes, load.room_left(WHOLE, shelves)) for load in small)
    room = Load().room_left(WHOLE, shelves)
    halves = sum(1 for load in small if 2 * load.least_bytes > room)
    return max(counted, weighed, halves) + sum(1 + _least_parts(load, PART, shelves) for load in large)


def load_of(component: Component, shelves: Shelves) -> Load:
    """What a component takes of a transaction."""
    return shelves.load((item for item, _ in component.items), (wallet for wallet, _ in component.deltas))


def _packed_alike(group: Sequence[_Loaded]) -> list[_Bin]:
    """Best fit decreasing, of components in the same tables: what they take adds up."""
    bins: list[_Bin] = []
    rooms: list[tuple[int, int]] = []  # ascending
    for component, load in group:
        place = bisect_left(rooms, (load.least_bytes, -1))
        if place < len(rooms):
            room, number = rooms.pop(place)
            bins[number].components.append(component)
            bins[number].load = bins[number].load.with_all(load)
        else:
            room, number = load.room_with_tables(WHOLE), len(bins)
            bins.append(_Bin([component], load))
        insort(rooms, (room - load.least_bytes, number))
    return bins


def _mended(bins: Sequence[_Bin], shelves: Shelves) -> list[_Bin]:
    """Those that their groups did not fill are packed anew together, where that saves one."""
    full, rest = [one for one in bins if one.is_full], [one for one in bins if not one.is_full]
    loaded = [(component, load_of(component, shelves)) for one in rest for component in one.components]
    anew = _packed_anyhow(sorted(loaded, key=_largest_first))
    return [*full, *(anew if len(anew) < len(rest) else rest)]


def _packed_anyhow(loaded: Iterable[_Loaded]) -> list[_Bin]:
    """Each where it takes the fewest bytes more, of so many transactions; the fullest of too many is closed."""
    closed: list[_Bin] = []
    opened: list[_Bin] = []
    for component, load in loaded:
        grown = [(one, one.load.with_all(load)) for one in opened]
        fitting = [
            (both.size_bytes(WHOLE) - one.load.size_bytes(WHOLE), one, both) for one, both in grown if both.fits(WHOLE)
        ]
        if fitting:
            _, best, both = min(fitting, key=lambda found: found[0])
            best.components.append(component)
            best.load = both
            continue
        opened.append(_Bin([component], load))
        if len(opened) > OPEN_MAX:
            fullest = max(range(len(opened)), key=lambda place: opened[place].load.size_bytes(WHOLE))
            closed.append(opened.pop(fullest))
    return [*closed, *opened]


def _shares(shares: Iterable[tuple[int, int]]) -> int:
    """The sum of fractions, rounded up."""
    sums: defaultdict[int, int] = defaultdict(int)
    for part, of in shares:
        sums[of] += part
    return ceil(sum((Fraction(parts, of) for of, parts in sums.items()), Fraction()))


def _least_parts(load: Load, kind: Kind, shelves: Shelves) -> int:
    nothing = Load()
    by_count = -(-load.entries // nothing.company(kind, shelves))
    return max(by_count, -(-load.least_bytes // nothing.room_left(kind, shelves)))


def _largest_first(loaded: _Loaded) -> tuple[int, Sequence[tuple[str, int]], Sequence[tuple[str, str]]]:
    component, load = loaded
    return -load.least_bytes, component.deltas, component.items


def _table_first(pair: tuple[str | None, Part]) -> str:
    return pair[0] or ""


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
