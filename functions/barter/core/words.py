"""Owns packed words: 21 numbers of 12 bits in a word of 252 bits, the first in the lowest bits.

That is how the contract keeps and takes lists, allocations and certificates (infra/contracts/barter/Words.sol). An
element of BN254's scalar field has more than 252 bits, so a circuit sees the same words. An item is written as its
index plus one: zero is no item.
"""

from collections.abc import Sequence
from typing import Final

from functions.barter.core.cycles import Preferences
from kernel.errors import Invalid

BITS: Final = 12
PER_WORD: Final = 21
ENTRY_MAX: Final = (1 << BITS) - 1


class WordsInvalid(Invalid):
    """Packed numbers fit their words."""

    cause = "A number has more than 12 bits, a list more than 21 items, or bits are set behind the last number."
    remedy = "Pack no more than 4,095 agents and lists of at most 21 items, each of them from the contract."


def pack(entries: Sequence[int]) -> tuple[int, ...]:
    """Numbers as words. Raises WordsInvalid."""
    if any(not 0 <= entry <= ENTRY_MAX for entry in entries):
        raise WordsInvalid(entries=len(entries))
    return tuple(
        sum(entry << BITS * place for place, entry in enumerate(entries[first : first + PER_WORD]))
        for first in range(0, len(entries), PER_WORD)
    )


def unpack(words: Sequence[int], count: int) -> tuple[int, ...]:
    """The first `count` numbers of words that hold no more. Raises WordsInvalid."""
    entries = tuple(word >> BITS * place & ENTRY_MAX for word in words for place in range(PER_WORD))
    if len(entries) < count or pack(entries[:count]) != tuple(words):
        raise WordsInvalid(words=len(words), count=count)
    return entries[:count]


def pack_lists(preferences: Preferences) -> tuple[int, ...]:
    """One word an agent: its items up to its own, which ends the list and is not written. Raises WordsInvalid."""
    return tuple(_list_word(agent, wishes) for agent, wishes in enumerate(preferences))


def unpack_list(word: int) -> list[int]:
    """An agent's list. Raises WordsInvalid for a word with a gap."""
    entries = unpack((word,), PER_WORD)
    length = entries.index(0) if 0 in entries else PER_WORD
    if any(entries[length:]):
        raise WordsInvalid(word=hex(word))
    return [entry - 1 for entry in entries[:length]]


def to_bytes(words: Sequence[int]) -> bytes:
    """Words as the contract takes them: 32 bytes each, big-endian."""
    return b"".join(word.to_bytes(32, "big") for word in words)


def from_bytes(packed: bytes) -> tuple[int, ...]:
    """The same back. Raises WordsInvalid for a part of a word."""
    if len(packed) % 32:
        raise WordsInvalid(bytes=len(packed))
    return tuple(int.from_bytes(packed[at : at + 32], "big") for at in range(0, len(packed), 32))


def _list_word(agent: int, wishes: Sequence[int]) -> int:
    ends = wishes.index(agent) if agent in wishes else len(wishes)
    if ends > PER_WORD:
        raise WordsInvalid(agent=agent, items=ends)
    return next(iter(pack([item + 1 for item in wishes[:ends]])), 0)
