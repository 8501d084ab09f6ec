"""A market's certificate as a statement of the circuit, right or wrong, and what is made of it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from functions.barter.core.certificate import Certificate
from functions.barter.core.journal import evaluation
from functions.barter.core.words import BITS, pack, pack_lists
from gpu.exchange.circuit import assignment, committed, constrain, system
from gpu.exchange.circuit_shape import Claim, Shape, claim_of
from gpu.exchange.r1cs import FIELD, Assignment, Builder, Linear, R1cs

#: The market's challenge comes from a hash; here it is any number.
R = pow(7, 99, FIELD)

committed_once = lru_cache(committed)
system_once = lru_cache(system)


class Forging(Builder):
    """Puts other values on some wires; whatever follows from them is computed as it follows."""

    def __init__(self, public: Sequence[int], forged: Mapping[int, int]) -> None:
        super().__init__(public, recording=False)
        self._forged = forged

    def wire(self, value: int) -> Linear:
        """The wire that is due, with the value that was wanted."""
        return super().wire(self._forged.get(len(self.values), value))


def claimed(shape: Shape, lists: Sequence[Sequence[int]], certificate: Certificate) -> Claim:
    """What the circuit takes of a certificate."""
    return claim_of(shape, pack_lists(lists), certificate.pos, certificate.labels)


def words_of(shape: Shape, claim: Claim) -> tuple[int, ...]:
    """W of what a claim's positions point at; a place where nothing lies is 0."""
    received = [
        number if position == shape.list_max else word >> BITS * position & (1 << BITS) - 1
        for number, (word, position) in enumerate(zip(claim.lists, claim.positions, strict=True), 1)
    ]
    return (*claim.lists, *pack(received))


def public_of(words: tuple[int, ...]) -> tuple[int, int, int]:
    """C, r and v."""
    return committed_once(words), R, evaluation(words, R)


def assigned(shape: Shape, claim: Claim) -> Assignment:
    """The wires of a claim about the words that are its own."""
    return assignment(shape, public_of(words_of(shape, claim)), claim)


def forged(shape: Shape, claim: Claim, wires: Mapping[int, int]) -> Assignment:
    """The same with other values on some wires, and all that follows from them."""
    builder = Forging(public_of(words_of(shape, claim)), wires)
    constrain(builder, shape, claim)
    return builder.values


def part(r1cs: R1cs, *names: str) -> list[int]:
    """The constraints of some parts."""
    return [number for name, numbers in r1cs.parts if name in names for number in numbers]


def bit_wires(r1cs: R1cs, *names: str) -> list[int]:
    """The wires that are 0 or 1 by a constraint of their own, of some parts or of all."""
    among = part(r1cs, *names) if names else range(len(r1cs.constraints))
    rows = (r1cs.constraints[number] for number in among)
    return [wire for a, b, c in rows if a == b == c and len(a) == 1 for wire in a]
