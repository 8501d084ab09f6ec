"""Poseidon, plainly and in constraints."""

from random import Random

import pytest

from gpu.exchange import circuit_poseidon, poseidon
from gpu.exchange.r1cs import FIELD, Builder

pytestmark = pytest.mark.unit

#: Published with circomlib's, go-iden3-crypto's and light-poseidon's tests.
PUBLISHED = {
    (1,): 18586133768512220936620570745912940619677854269274689475585506675881198879027,
    (1, 2): 7853200120776062878684798364095072458815029376092732009249414926327459813530,
    (1, 2, 3): 0x0E7732D89E6939C0FF03D5E58DAB6302F3230E269DC5B968F725DF34AB36D732,
    (1, 2, 3, 4): 0x299C867DB6C1FDD79DCEFA40E4510B9837E60EBB1CE0663DBAA525DF65250465,
    (1, 2, 0, 0, 0): 1018317224307729531995786483840663576608797660851238720571059489595066344487,
    (1, 2, 3, 4, 5, 6): 20400040500897583745843009878988256314335038853985262692600694741116813247201,
    (0,) * 9: 0x01C4DA168CBFB5014E1DC256D82BA808033C11CC3BD113EF0A44AD86B2075728,
    (1,) * 9: 0x0E8FEE2FE49DA30FDEEB48C42EBB44CC6EE7055F61FBCA5E313B8A5FCA834C47,
    tuple(range(1, 10)): 0x1E0B893AA2AD802275E749D260330B7675B22BB3AAA4461D204AF32E60CD9078,
    (FIELD - 1,) * 9: 0x096B655DA808A5866052CCB7702E52D9722EB196845B886DC4A73A823B438CE9,
    (*range(1, 10), *(0,) * 5): 5540388656744764564518487011617040650780060800286365721923524861648744699539,
    tuple(range(1, 15)): 8354478399926161176778659061636406690034081872658507739535256090879947077494,
    tuple(range(1, 17)): 9989051620750914585850546081941653841776809718687451684622678807385399211877,
}


@pytest.mark.parametrize("numbers", PUBLISHED, ids=lambda numbers: f"{len(numbers)} numbers")
def test_it_is_circomlibs(numbers: tuple[int, ...]) -> None:
    """At the widths 2 to 17, of which 10 is the sponge's."""
    assert PUBLISHED[numbers] == poseidon.hashed(numbers)


def test_its_constants_and_matrix_begin_as_published() -> None:
    """Of width 3, of which most implementations print them."""
    of = poseidon.parameters(3)

    assert 65 == len(of.constants)
    assert 0x0EE9A592BA9A9518D05986D656F40C2114C4993C11BB29938D21D47304CD8E6E == of.constants[0][0]
    assert 0x109B7F411BA0E4C9B2B70CAF5C36A7B194BE7C11AD24378BFEDB68592BA8118B == of.matrix[0][0]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 10, 18, 23])
def test_the_constraints_are_the_sponge(count: int) -> None:
    """For blocks that are full, not full, or none; three constraints an S-box, and none is broken."""
    source = Random(count)
    words = [source.randrange(FIELD) for _ in range(count)]
    builder = Builder(())
    ends = circuit_poseidon.sponge(builder, 7, [builder.wire(word) for word in words])
    system = builder.finished()

    assert poseidon.sponge(7, words) == ends.value
    assert 420 * -(-count // 9) == len(system.constraints)
    assert [] == system.broken(builder.values)


def test_without_recording_the_values_are_the_same() -> None:
    """So that an assignment needs no constraints."""
    built = []
    for recording in (True, False):
        builder = Builder((), recording=recording)
        circuit_poseidon.sponge(builder, 1, [builder.wire(word) for word in range(5)])
        built.append(builder.values)

    assert built[0] == built[1]


def test_the_sponge_tells_purposes_lengths_and_places_apart() -> None:
    """A zero at the end is a word, and no word stands for another's place."""
    words = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    others = [words[:9], [*words, 0], [0, *words], words[::-1], [*words[:9], 11]]

    assert len({poseidon.sponge(1, one) for one in [words, *others]} | {poseidon.sponge(2, words)}) == 7
