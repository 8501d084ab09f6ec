"""Proofs of a small circuit: they hold by another library's pairing, for their own inputs and nothing else."""

import pytest

from gpu.exchange.formats import BASE, Proof, proof_of
from gpu.exchange.formats_zkey import proving_key_of, zkey_file
from gpu.exchange.keys import Secrets, set_up
from gpu.exchange.prove import Prover
from gpu.exchange.r1cs import FIELD
from gpu.exchange.verification import problem_of_proof
from gpu.refusals import InputRefused
from tests.unit.barter.prover.worked import PUBLIC, toy_assignment, toy_key, toy_system

pytestmark = pytest.mark.unit

KNOWN = toy_key().verification
#: With x = 1 on the twist; times the order of the group it is not infinity.
OUTSIDE = (
    18278151005453108793778860132295291098363647455926340152056652516292830556603,
    5912654199736721486680175016176231956195085055698687135131307249486702594212,
)


@pytest.fixture(scope="module")
def prover() -> Prover:
    return Prover(proving_key_of(zkey_file(toy_key())))


@pytest.fixture(scope="module")
def proof(prover: Prover) -> Proof:
    return prover.prove(toy_assignment())


def test_a_proof_holds_for_its_inputs(proof: Proof) -> None:
    """By py_ecc, which has no part in making it."""
    assert problem_of_proof(KNOWN, proof, PUBLIC) is None


@pytest.mark.parametrize("place", range(3))
def test_it_holds_for_no_other_input(proof: Proof, place: int) -> None:
    """Not even for another value of the one that no constraint mentions: its dummy row binds it."""
    other = [value + (number == place) for number, value in enumerate(PUBLIC)]

    assert problem_of_proof(KNOWN, proof, other) == "the proof does not hold for its inputs"


@pytest.mark.parametrize("place", range(8))
def test_a_changed_bit_of_a_proof_is_refused(proof: Proof, place: int) -> None:
    """Whichever coordinate it is in, the point is not on its curve any more."""
    words = [word ^ (number == place) for number, word in enumerate(proof.words())]

    assert problem_of_proof(KNOWN, proof_of(words), PUBLIC) in {
        "a point is not on the curve",
        "a point is not in the second group",
    }


def test_other_points_of_the_curve_are_refused(proof: Proof) -> None:
    """The opposite of one, and infinity."""
    x, y = proof.a
    others = [
        Proof(a=(x, BASE - y), b=proof.b, c=proof.c),
        Proof(a=proof.a, b=((0, 0), (0, 0)), c=proof.c),
    ]

    assert {problem_of_proof(KNOWN, other, PUBLIC) for other in others} == {"the proof does not hold for its inputs"}


def test_numbers_have_one_writing(proof: Proof) -> None:
    """A coordinate or an input plus the order of its field is no other name of it."""
    x, y = proof.a
    twice = Proof(a=(x + BASE, y), b=proof.b, c=proof.c)
    inputs = [PUBLIC[0] + FIELD, *PUBLIC[1:]]

    assert problem_of_proof(KNOWN, twice, PUBLIC) == "a coordinate is no field element"
    assert problem_of_proof(KNOWN, proof, inputs) == (
        "the public inputs are not as many as the key's, or are no field elements"
    )
    assert problem_of_proof(KNOWN, proof, PUBLIC[:2]) is not None


def test_a_point_of_the_twist_outside_the_second_group_is_refused(proof: Proof) -> None:
    """The twist has more points than the group that pairings are defined on."""
    strange = Proof(a=proof.a, b=((1, 0), OUTSIDE), c=proof.c)

    assert problem_of_proof(KNOWN, strange, PUBLIC) == "a point is not in the second group"


def test_two_proofs_of_one_assignment_differ(prover: Prover, proof: Proof) -> None:
    """They are drawn anew, so that they do not tell of the assignment."""
    again = prover.prove(toy_assignment())

    assert problem_of_proof(KNOWN, again, PUBLIC) is None
    assert {again.a, again.b, again.c}.isdisjoint({proof.a, proof.b, proof.c})


def test_what_does_not_meet_the_circuit_is_not_proven(prover: Prover) -> None:
    """Neither numbers with another product, nor the assignment of another circuit."""
    with pytest.raises(InputRefused, match="compute the certificate anew"):
        prover.prove(toy_assignment(3, 6))
    with pytest.raises(InputRefused, match="use the key that was made for this version"):
        prover.prove([*toy_assignment(), 0])


def test_a_proof_does_not_hold_for_the_same_circuit_set_up_again(proof: Proof) -> None:
    """Each set-up has its own."""
    other = set_up(toy_system(), Secrets(tau=2, alpha=3, beta=5, gamma=7, delta=11))

    assert problem_of_proof(other.verification, proof, PUBLIC) == "the proof does not hold for its inputs"
