"""Owns the form of a search for a vanity address: what is asked for, what is answered, and which numbers fit.

    arguments  {"letters": "DUEL", "place": "prefix" | "suffix", "is_case_sensitive": false, "recipient": 64 digits of
               hexadecimal (the X25519 key that the answer is sealed to), "tries_max": 2000000}
    result     {"tries": 2000000}, where none of so many keys fitted, or beside it: "address", base58; "box", the key's
               seed as only the recipient opens it (gpu/vanity/box.py); "proof", the key's signature over both

An address is the base58 text of the public key's 32 bytes, so a pattern stands for numbers: a suffix for remainders,
a prefix for ranges. Neither needs the text, which takes as long to write as a key takes to try.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from gpu.refusals import demand

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PLACES: Final = ("prefix", "suffix")
KEY_BYTES: Final = 32
LETTERS_MAX: Final = 8
TRIES_MAX: Final = 10**12
_LENGTH_MAX: Final = 44
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, for whom, and after how many keys it ends."""

    letters: str
    place: str
    is_case_sensitive: bool
    recipient: bytes
    tries_max: int

    def arguments(self) -> dict[str, Any]:
        """As a job's arguments."""
        return {
            "letters": self.letters,
            "place": self.place,
            "is_case_sensitive": self.is_case_sensitive,
            "recipient": self.recipient.hex(),
            "tries_max": self.tries_max,
        }

    def fits(self, address: str) -> bool:
        """Whether an address has the pattern."""
        length = len(self.letters)
        there = address[:length] if self.place == "prefix" else address[-length:]
        return there == self.letters if self.is_case_sensitive else there.lower() == self.letters.lower()

    def texts(self) -> list[str]:
        """The letters in every case that counts."""
        return ["".join(text) for text in product(*(_ways(one, self.is_case_sensitive) for one in self.letters))]


@dataclass(frozen=True, slots=True)
class Ends:
    """The numbers with a suffix, by their remainders."""

    modulus: int
    remainders: frozenset[int]

    def __contains__(self, number: int) -> bool:
        return number % self.modulus in self.remainders


@dataclass(frozen=True, slots=True)
class Begins:
    """The numbers with a prefix, by the bounds of their ranges: from the first up to the second, and so on."""

    bounds: tuple[int, ...]

    def __contains__(self, number: int) -> bool:
        return bisect_right(self.bounds, number) % 2 == 1


def search_of(arguments: Mapping[str, Any]) -> Search:
    """What the arguments ask for. Raises InputRefused."""
    demand(set(arguments) == {"letters", "place", "is_case_sensitive", "recipient", "tries_max"}, "they are others")
    letters, recipient, tries = arguments["letters"], arguments["recipient"], arguments["tries_max"]
    demand(isinstance(letters, str) and 0 < len(letters) <= LETTERS_MAX, "the letters are none, or too many")
    demand(arguments["place"] in PLACES, "the place is neither prefix nor suffix")
    demand(isinstance(arguments["is_case_sensitive"], bool), "whether case matters is not said")
    demand(isinstance(recipient, str) and bool(_HEX.fullmatch(recipient)), "the recipient is no key of 32 bytes")
    demand(isinstance(tries, int) and not isinstance(tries, bool) and 0 < tries <= TRIES_MAX, "the tries are unfit")
    search = Search(
        letters=letters,
        place=arguments["place"],
        is_case_sensitive=arguments["is_case_sensitive"],
        recipient=bytes.fromhex(recipient),
        tries_max=tries,
    )
    demand(all(_ways(letter, search.is_case_sensitive) for letter in letters), "base58 lacks one of the letters")
    return search


def fitting(search: Search) -> Ends | Begins:
    """The numbers whose address may have the pattern; those with leading zeros are told apart by their text.

    Raises InputRefused for a prefix that no address has.
    """
    numbers = [_number(text) for text in search.texts()]
    if search.place == "suffix":
        return Ends(len(ALPHABET) ** len(search.letters), frozenset(numbers))
    ranges = sorted(_ranges(numbers, len(search.letters)))
    demand(bool(ranges), "no address begins so")
    return Begins(tuple(bound for pair in ranges for bound in pair))


def base58(plain: bytes) -> str:
    """The text of a public key."""
    number, letters = int.from_bytes(plain, "big"), ""
    while number:
        number, value = divmod(number, len(ALPHABET))
        letters = ALPHABET[value] + letters
    return ALPHABET[0] * (len(plain) - len(plain.lstrip(b"\0"))) + letters


def public_key_of(address: Any) -> bytes | None:
    """The 32 bytes of an address, or None where it is not the one text of such."""
    if not isinstance(address, str) or not 0 < len(address) <= _LENGTH_MAX or not set(address) <= set(ALPHABET):
        return None
    number = _number(address)
    if number >> 8 * KEY_BYTES:
        return None
    plain = number.to_bytes(KEY_BYTES, "big")
    return plain if base58(plain) == address else None


def _ranges(numbers: list[int], length: int) -> list[tuple[int, int]]:
    found = []
    for number, total in product(numbers, range(length, _LENGTH_MAX + 1)):
        shift = len(ALPHABET) ** (total - length)
        first = max(number * shift, len(ALPHABET) ** (total - 1))
        end = min((number + 1) * shift, 1 << 8 * KEY_BYTES)
        if first < end:
            found.append((first, end))
    return found


def _number(text: str) -> int:
    number = 0
    for letter in text:
        number = number * len(ALPHABET) + ALPHABET.index(letter)
    return number


def _ways(letter: str, is_case_sensitive: bool) -> list[str]:
    """The letters of base58 that count as this one."""
    ways = {letter} if is_case_sensitive else {letter.lower(), letter.upper()}
    return sorted(ways & set(ALPHABET))
