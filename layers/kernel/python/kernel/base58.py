"""Owns base58, the alphabet of Solana's addresses and signatures: no 0, O, I and l, and leading zeros as 1."""

from typing import Final

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}
#: Long enough for any transaction; decoding costs the square of the length.
LONGEST_TEXT: Final = 2_048


def encode(plain: bytes) -> str:
    """The one way to write these bytes."""
    number = int.from_bytes(plain, "big")
    letters: list[str] = []
    while number:
        number, value = divmod(number, 58)
        letters.append(ALPHABET[value])
    zeros = len(plain) - len(plain.lstrip(b"\0"))
    return ALPHABET[0] * zeros + "".join(reversed(letters))


def decode(text: str) -> bytes:
    """The bytes; ValueError, which names nothing of the text, for a foreign letter or a text that is too long."""
    if len(text) > LONGEST_TEXT or not _VALUES.keys() >= set(text):
        raise ValueError("this is not base58")
    number = 0
    for letter in text:
        number = number * 58 + _VALUES[letter]
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
