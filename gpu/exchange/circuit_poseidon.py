"""Owns Poseidon's constraints: three an S-box, none for what is linear.

Every input of an S-box after the first round is a combination of earlier outputs; which one is worked out once a width.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from gpu.exchange.poseidon import RATE, parameters, start
from gpu.exchange.r1cs import FIELD, Builder, Linear

#: What an S-box takes, or a lane is at the end: a constant, and a factor for each S-box before it.
Form = tuple[int, tuple[tuple[int, int], ...]]
_CONSTANT: Final = -1


def sponge(builder: Builder, domain: int, words: Sequence[Linear]) -> Linear:
    """The hash of any number of words, as gpu.exchange.poseidon.sponge says it."""
    nothing = builder.constant(0)
    state = [builder.constant(start(domain, len(words))), *[nothing] * RATE]
    for first in range(0, len(words), RATE):
        block = words[first : first + RATE]
        added = [lane + word for lane, word in zip(state[1:], block, strict=False)]
        state = permuted(builder, [state[0], *added, *state[1 + len(block) :]])
    return state[1]


def permuted(builder: Builder, state: Sequence[Linear]) -> list[Linear]:
    """The permutation of as many lanes."""
    inputs, ends = _forms(len(state))
    raised: list[Linear] = []
    for lane, constant in zip(state, parameters(len(state)).constants[0], strict=True):
        raised.append(_fifth(builder, lane + constant))
    for constant, factors in inputs:
        raised.append(_fifth(builder, builder.total((factor, raised[one]) for one, factor in factors) + constant))
    return [builder.total((factor, raised[one]) for one, factor in factors) for _, factors in ends]


def _fifth(builder: Builder, lane: Linear) -> Linear:
    square = builder.product(lane, lane)
    return builder.product(builder.product(square, square), lane)


@lru_cache
def _forms(width: int) -> tuple[tuple[Form, ...], tuple[Form, ...]]:
    """What each S-box after the first round takes, and what the lanes are at the end."""
    of = parameters(width)
    lanes: list[dict[int, int]] = [{number: 1} for number in range(width)]
    inputs: list[Form] = []
    for round_, full in enumerate(of.full):
        for place in range(width) if round_ else ():
            lane = dict(lanes[place])
            lane[_CONSTANT] = (lane.get(_CONSTANT, 0) + of.constants[round_][place]) % FIELD
            lanes[place] = lane
            if full or place == 0:
                lanes[place] = {width + len(inputs): 1}
                inputs.append(_form(lane))
        lanes = [_mixed(row, lanes) for row in of.matrix]
    return tuple(inputs), tuple(map(_form, lanes))


def _mixed(row: Sequence[int], lanes: Sequence[dict[int, int]]) -> dict[int, int]:
    mixed: dict[int, int] = {}
    for factor, lane in zip(row, lanes, strict=True):
        for number, one in lane.items():
            mixed[number] = (mixed.get(number, 0) + factor * one) % FIELD
    return mixed


def _form(lane: dict[int, int]) -> Form:
    return lane.get(_CONSTANT, 0), tuple((number, factor) for number, factor in lane.items() if number != _CONSTANT)
