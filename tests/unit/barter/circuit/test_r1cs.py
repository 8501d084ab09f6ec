"""Rank-1 constraints, and the builder of them."""

import pytest

from gpu.exchange.r1cs import FIELD, Builder, R1cs

pytestmark = pytest.mark.unit


def built(value: int, *, recording: bool = True) -> tuple[R1cs, list[int]]:
    """x^3 + x + 5 = y for a public y; Buterin's example."""
    builder = Builder((35,), recording=recording)
    with builder.part("cube"):
        x = builder.wire(value)
        cube = builder.product(builder.product(x, x), x)
    with builder.part("sum"):
        builder.require_equal(cube + x + 5, builder.public[0])
    return builder.finished(), builder.values


def test_the_textbook_example() -> None:
    """One, the public input, then the wires as they are made."""
    system, wires = built(3)

    assert [1, 35, 3, 9, 27] == wires
    assert (5, 1) == (system.wires, system.public)
    assert [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {2: 1}, {4: 1}), ({4: 1, 2: 1, 0: 5}, {0: 1}, {1: 1})] == (
        system.constraints
    )
    assert {"cube": 2, "sum": 1} == system.counts()
    assert [] == system.broken(wires)
    assert built(3, recording=False)[1] == wires


def test_a_constraint_that_is_not_met_is_named() -> None:
    """Of all, or of those that are asked about."""
    system, wires = built(4)

    assert [2] == system.broken(wires)
    assert [] == system.broken(wires, range(2))
    assert [0, 1] == system.broken([1, 35, 3, 8, 27])


def test_too_few_wires_or_another_one_are_broken() -> None:
    """Wire 0 is one."""
    system, wires = built(3)

    assert [0] == system.broken(wires[:-1])
    assert [0] == system.broken([2, *wires[1:]])


def test_combinations_are_reduced_and_forget_what_cancels() -> None:
    """A wire that comes to nothing is left out, so that the same combination is written one way."""
    builder = Builder((3,))
    x = builder.public[0]

    assert {} == (x - x).terms
    assert ({0: FIELD - 1, 1: 2}, 5) == ((x + x - 1).terms, (x + x - 1).value)
    assert ({0: 1, 1: FIELD - 1}, FIELD - 2) == ((1 - x).terms, (1 - x).value)
    assert {} == (x * 0).terms == (x * FIELD).terms == Builder.total([(1, x), (-1, x)]).terms


def test_a_quotient_by_zero_is_zero_and_meets_nothing_but_zero() -> None:
    """Whoever divides draws the divisor from a hash."""
    builder = Builder((5, 0))
    five, nothing = builder.public
    builder.quotient(five, nothing)
    builder.quotient(five, five)

    assert [0] == builder.finished().broken(builder.values)
    assert [0, 1] == builder.values[3:]


def test_the_digest_names_the_constraints() -> None:
    """Not the values; another factor is another system."""
    system, _ = built(3)
    other = R1cs(system.wires, system.public, [*system.constraints[:2], ({4: 1, 2: 1, 0: 6}, {0: 1}, {1: 1})])

    assert system.digest() == built(4)[0].digest()
    assert len({system.digest(), other.digest(), R1cs(5, 2, system.constraints).digest()}) == 3
