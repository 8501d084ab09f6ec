"""Owns patterns in addresses: whether one fits, whether it can, and how many keys have to be tried for it.

An address is the base58 text of 32 bytes. Its last letters are as good as evenly spread. Its first ones are not: 2^256
ends in the middle of the texts of 44 letters, so that most addresses begin with a letter up to J and hardly any with a
small one. So a prefix is counted exactly: the numbers whose text begins with it, of each length.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import product
from math import prod
from typing import Final

from kernel.base58 import ALPHABET
from kernel.errors import Invalid

LETTERS_MAX: Final = 8
_BASE: Final = len(ALPHABET)
_KEYS: Final = 2**256
_LENGTH_MAX: Final = 44


class Place(StrEnum):
    """Where a pattern is looked for."""

    PREFIX = "prefix"
    SUFFIX = "suffix"


class PatternUnfit(Invalid):
    """A pattern can occur in an address."""

    cause = "It is empty or longer than 8 letters, holds one that base58 lacks (0, O, I, l), or begins with 1."
    remedy = "Choose letters and digits of base58; no prefix may begin with 1, which stands for bytes of zero."


@dataclass(frozen=True, slots=True)
class Pattern:
    """Letters, where they are looked for, and whether their case matters. Raises PatternUnfit."""

    letters: str
    place: Place
    is_case_sensitive: bool = True

    def __post_init__(self) -> None:
        if not 0 < len(self.letters) <= LETTERS_MAX or not all(map(self._ways, self.letters)) or not self.chance:
            raise PatternUnfit(letters=self.letters[:40], place=self.place)

    @property
    def chance(self) -> Fraction:
        """With which a new key's address fits."""
        if self.place == Place.SUFFIX:
            return Fraction(prod(len(self._ways(letter)) for letter in self.letters), _BASE ** len(self.letters))
        return sum((_begins_with("".join(text)) for text in product(*map(self._ways, self.letters))), Fraction(0))

    @property
    def tries(self) -> int:
        """Keys that are tried for one that fits, in the mean, rounded up."""
        return -(-self.chance.denominator // self.chance.numerator)

    def fits(self, address: str) -> bool:
        """Whether an address has the pattern."""
        length = len(self.letters)
        there = address[:length] if self.place == Place.PREFIX else address[-length:]
        return there == self.letters if self.is_case_sensitive else there.lower() == self.letters.lower()

    def _ways(self, letter: str) -> str:
        """The letters of base58 that count as this one."""
        ways = {letter} if self.is_case_sensitive else {letter.lower(), letter.upper()}
        return "".join(sorted(ways & set(ALPHABET)))


def _begins_with(prefix: str) -> Fraction:
    """With which chance an address begins with these letters, the first of them not 1: its first byte is not zero."""
    number = 0
    for letter in prefix:
        number = number * _BASE + ALPHABET.index(letter)
    found = 0
    for length in range(len(prefix), _LENGTH_MAX + 1):
        shift, least = _BASE ** (length - len(prefix)), max(_BASE ** (length - 1), _KEYS >> 8)
        first, end = max(number * shift, least), min((number + 1) * shift, _KEYS)
        found += max(0, end - first)
    return Fraction(found, _KEYS)
