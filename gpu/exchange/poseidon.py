"""Owns Poseidon over BN254's scalar field with circomlib's parameters, and a sponge of it over many words.

Parameters: the S-box x^5, 8 full rounds, and for width t the partial rounds of the table below (Grassi, Khovratovich,
Rechberger, Roy, Schofnegger, "Poseidon", 2019/458). Constants and matrix are drawn by the paper's procedure: the Grain
LFSR in self-shrinking mode, seeded with the parameters; numbers of 254 bits, those outside the field left out; then 2t
further ones, x and y, for the Cauchy matrix 1 / (x_i + y_j). The tests compare with published hashes.

`hashed` is circomlib's hash of up to 16 numbers. `sponge` takes any number of words, 9 at a time, at width 10: the
first lane, which no word enters, begins as (domain << 64) + how many words there are; each block is added to the other
nine, zeros at the end of the last one, and permuted; the answer is the second lane. Width 10 has the fewest
constraints a word but for 12, which needs more blocks where there are 17 words (a market of 16).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from gpu.exchange.r1cs import FIELD

WIDTH: Final = 10
RATE: Final = WIDTH - 1
_FULL: Final = 8
#: For widths 2, 3, 4 …
_PARTIAL: Final = (56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68)
_NUMBER_BITS: Final = 254


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of one width: what is added to the lanes in each round, the matrix, and which rounds are full."""

    constants: tuple[tuple[int, ...], ...]
    matrix: tuple[tuple[int, ...], ...]

    @property
    def full(self) -> tuple[bool, ...]:
        """Whether all lanes go through the S-box in a round, or the first only."""
        half, partial = _FULL // 2, len(self.constants) - _FULL
        return (True,) * half + (False,) * partial + (True,) * half


@lru_cache
def parameters(width: int) -> Parameters:
    """Those of a width from 2 to 17."""
    partial = _PARTIAL[width - 2]
    numbers = _numbers(_grain(width, partial))
    inside = (number for number in numbers if number < FIELD)
    constants = tuple(tuple(islice(inside, width)) for _ in range(_FULL + partial))
    drawn: list[int] = []
    while len(set(drawn)) < 2 * width:
        drawn = [number % FIELD for number in islice(numbers, 2 * width)]
    xs, ys = drawn[:width], drawn[width:]
    return Parameters(constants, tuple(tuple(pow(x + y, -1, FIELD) for y in ys) for x in xs))


def permuted(state: Sequence[int]) -> list[int]:
    """The permutation of as many lanes."""
    of, lanes = parameters(len(state)), list(state)
    for constants, full in zip(of.constants, of.full, strict=True):
        lanes = [(lane + constant) % FIELD for lane, constant in zip(lanes, constants, strict=True)]
        lanes = [pow(lane, 5, FIELD) if full or place == 0 else lane for place, lane in enumerate(lanes)]
        lanes = [sum(one * lane for one, lane in zip(row, lanes, strict=True)) % FIELD for row in of.matrix]
    return lanes


def hashed(numbers: Sequence[int]) -> int:
    """circomlib's Poseidon of 1 to 16 numbers."""
    return permuted([0, *numbers])[0]


def sponge(domain: int, words: Sequence[int]) -> int:
    """The hash of any number of words, for one purpose."""
    state = [start(domain, len(words)), *[0] * RATE]
    for first in range(0, len(words), RATE):
        block = words[first : first + RATE]
        state = permuted([state[0], *(lane + word for lane, word in zip(state[1:], padded(block), strict=True))])
    return state[1]


def start(domain: int, words: int) -> int:
    """The lane that no word enters, at the beginning."""
    return (domain << 64) + words


def padded(block: Sequence[int]) -> tuple[int, ...]:
    """A block with zeros at its end."""
    return (*block, *[0] * (RATE - len(block)))


def _grain(width: int, partial: int) -> Iterator[int]:
    """The bits of the LFSR: of each two the second, where the first is one."""
    seed = f"{1:02b}{0:04b}{_NUMBER_BITS:012b}{width:012b}{_FULL:010b}{partial:010b}" + "1" * 30
    state = int(seed[::-1], 2)
    for step in range(1 << 62):
        drawn = (state ^ state >> 13 ^ state >> 23 ^ state >> 38 ^ state >> 51 ^ state >> 62) & 0xFFFF
        state = state >> 16 | drawn << 64
        if step < 10:  # the first 160 bits are thrown away
            continue
        for place in range(0, 16, 2):
            if drawn >> place & 1:
                yield drawn >> place + 1 & 1


def _numbers(bits: Iterator[int]) -> Iterator[int]:
    """Numbers of 254 bits, the highest first."""
    while True:
        number = 0
        for bit in islice(bits, _NUMBER_BITS):
            number = number << 1 | bit
        yield number
