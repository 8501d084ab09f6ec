"""The circuit at its limits: the last item, the greatest label, the most lookups, the longest list."""

from random import Random

import pytest

from functions.barter.core.certificate import certify
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.journal import bound_words
from functions.barter.core.words import pack_lists
from gpu.exchange.circuit import assignment, system
from gpu.exchange.circuit_shape import Shape
from tests.unit.barter.circuit.stated import assigned, claimed, public_of, system_once

pytestmark = pytest.mark.unit

SIZES = (2, 3, 4, 5, 8, 9)


def taken(shape: Shape, lists: list[list[int]]) -> bool:
    """Whether a market's own certificate meets the constraints of a size, about the words that the contract has."""
    public = public_of(bound_words(pack_lists(lists), top_trading_cycles(lists), shape.size))
    claim = claimed(shape, lists, certify(lists, shape.list_max))
    return not system_once(shape).broken(assignment(shape, public, claim))


@pytest.mark.parametrize("size", SIZES)
def test_as_many_labels_as_agents(size: int) -> None:
    """Each wants the item of the one before, who wants another's: everybody keeps the own, one label after another."""
    lists: list[list[int]] = [[agent - 1] if agent else [] for agent in range(size)]

    assert tuple(range(1, size + 1)) == certify(lists).labels
    assert taken(Shape(size, 2), lists)


@pytest.mark.parametrize("size", SIZES)
def test_a_ring_of_all(size: int) -> None:
    """The last item is listed and received; there is one label."""
    assert taken(Shape(size, 2), [[(agent + 1) % size] for agent in range(size)])


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_looked_up_but_none(size: int) -> None:
    """All lists are empty: every place of each of them."""
    assert taken(Shape(size, 4), [[] for _ in range(size)])


def test_a_list_as_long_as_a_word() -> None:
    """21 places, of which all are before the position, or the last one is it."""
    first, second = list(range(1, 22)), list(range(21))
    lists = [first, *([] for _ in range(20)), [*second[1:], 0]]

    assert taken(Shape(22, 21), lists)


def test_random_markets_of_sixteen_are_taken() -> None:
    """Of 2 to 16 agents, with lists of up to 16."""
    source, shape = Random(16), Shape(16, 16)
    for agents in (2, 9, 16):
        lists = [
            source.sample([item for item in range(agents) if item != agent], source.randrange(agents))
            for agent in range(agents)
        ]

        assert taken(shape, lists)


def test_what_is_recorded_does_not_depend_on_values() -> None:
    """The constraints are one system for all markets, so one key is enough."""
    shape = Shape(4, 2)

    assert system(shape).digest() == system_once(shape).digest()
    assert system_once(shape).digest() != system_once(Shape(4, 3)).digest()
    assert system_once(shape).wires == len(assigned(shape, claimed(shape, [[1], [0]], certify([[1], [0]], 2))))
