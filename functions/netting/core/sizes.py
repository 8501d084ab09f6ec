"""Owns how many bytes a settlement's transaction has, by which lookup tables it uses. Pure.

Each item and each delta is an *entry*: 40 bytes of data, its account's address, and a byte that points to it. An
address takes 32 bytes, or a single one where it lies in a lookup table that the transaction names, which takes 34. So
a table pays from two addresses on. Every table of ours begins with the accounts that all settlements name (the
program's config, and the clock), which makes the first one of a transaction pay at once.

    whole   347 + 73 an entry;   with n tables   285 + 34 n + 42 an entry that lies in one of them
    part    323 + 73 an entry;                   292 + 34 n + 42

Of 1 232 bytes that leaves room for 12 entries without tables, 21 with one, 20 with two or three. What solders makes of
real instructions agrees byte for byte (tests/unit/netting/test_netting_sizes.py). The other limits are far away: 64
accounts, and 1.4 million compute units.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

TRANSACTION_SIZE_BYTES_MAX: Final = 1232
#: An entry whose address stands in the transaction itself, what a table saves of it, and what a table takes.
ENTRY_BYTES, SAVED_BYTES, TABLE_BYTES = 73, 31, 34
#: An entry whose address lies in a table.
LOOKED_UP_BYTES: Final = ENTRY_BYTES - SAVED_BYTES


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of transaction: what it takes without its entries, and how many of its addresses are in every table."""

    head_bytes: int
    shared: int


WHOLE: Final = Kind(head_bytes=347, shared=2)
PART: Final = Kind(head_bytes=323, shared=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """In which lookup table the account of an item, or of a wallet's funds, lies; in none where absent."""

    items: Mapping[str, str] = field(default_factory=dict)
    wallets: Mapping[str, str] = field(default_factory=dict)

    def load(self, items: Iterable[str], wallets: Iterable[str]) -> "Load":
        """What these entries take."""
        return Load.of([*map(self.items.get, items), *map(self.wallets.get, wallets)])

    @property
    def are_empty(self) -> bool:
        """Whether nothing lies in any table."""
        return not self.items and not self.wallets


NO_SHELVES: Final = Shelves()


@dataclass(slots=True)
class Load:
    """Entries of one transaction: how many, and how many of them in each table."""

    entries: int = 0
    tables: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, tables: Sequence[str | None]) -> "Load":
        """One entry for each, in the table that it names."""
        return cls(len(tables), Counter(table for table in tables if table is not None))

    def with_all(self, other: "Load") -> "Load":
        """Both in one transaction."""
        return Load(self.entries + other.entries, self.tables + other.tables)

    def size_bytes(self, kind: Kind) -> int:
        """The whole transaction's."""
        used = used_tables(self.tables, kind.shared)
        saved = sum(self.tables[table] for table in used) + (kind.shared if used else 0)
        return kind.head_bytes + ENTRY_BYTES * self.entries + TABLE_BYTES * len(used) - SAVED_BYTES * saved

    def fits(self, kind: Kind) -> bool:
        """Whether a packet holds it."""
        return self.size_bytes(kind) <= TRANSACTION_SIZE_BYTES_MAX

    @property
    def in_tables(self) -> tuple[str, ...]:
        """The tables in which some of them lie."""
        return tuple(sorted(self.tables))

    @property
    def least_bytes(self) -> int:
        """What the entries take where all their tables are used by others already."""
        return ENTRY_BYTES * self.entries - SAVED_BYTES * self.tables.total()

    def room_with_tables(self, kind: Kind) -> int:
        """The room for entries, in bytes, of a transaction that uses all these tables."""
        free = TRANSACTION_SIZE_BYTES_MAX - kind.head_bytes
        return free + SAVED_BYTES * kind.shared - TABLE_BYTES * len(self.tables) if self.tables else free

    def room_left(self, kind: Kind, shelves: "Shelves") -> int:
        """The most room for entries, in bytes, of any transaction that holds these: less what their tables take there.

        Or what they take without a table, whichever is less; and what the first table takes, whichever it is.
        """
        free = TRANSACTION_SIZE_BYTES_MAX - kind.head_bytes
        if shelves.are_empty:
            return free
        taken = sum(min(TABLE_BYTES, SAVED_BYTES * count) for count in self.tables.values())
        return free + SAVED_BYTES * kind.shared - max(min(TABLE_BYTES, SAVED_BYTES * kind.shared), taken)

    def company(self, kind: Kind, shelves: "Shelves") -> int:
        """The most entries of any transaction that holds these."""
        return self.room_left(kind, shelves) // (ENTRY_BYTES if shelves.are_empty else LOOKED_UP_BYTES)


def used_tables(held: Mapping[str, int], shared: int) -> tuple[str, ...]:
    """The tables that make a transaction shorter. held: how many of its addresses lie in each, beside those shared."""
    used = tuple(sorted(table for table, count in held.items() if SAVED_BYTES * count > TABLE_BYTES))
    if used or not held:
        return used
    best = min(held, key=lambda table: (-held[table], table))
    return (best,) if SAVED_BYTES * (held[best] + shared) > TABLE_BYTES else ()
