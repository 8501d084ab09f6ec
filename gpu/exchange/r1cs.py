"""Owns rank-1 constraint systems over BN254's scalar field, and the builder that writes one down while it computes.

A constraint says (A · w) × (B · w) = (C · w) of the assignment w. Wire 0 is one; the public inputs follow it, then
all others in the order in which they were made. The builder computes each wire's value as it makes it, so that the
same lines of code give the constraints and, for an instance, the assignment that meets them. What constraints it
makes never depends on values.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

#: The order of BN254's scalar field.
FIELD: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
#: The wire whose value is one.
ONE: Final = 0

Terms = dict[int, int]
Constraint = tuple[Terms, Terms, Terms]
Assignment = list[int]


@dataclass(frozen=True, slots=True)
class R1cs:
    """Constraints over `wires` wires, of which 1 to `public` are the public inputs."""

    wires: int
    public: int
    constraints: list[Constraint]
    #: Which constraints belong to which part of the circuit, in the order in which they were made.
    parts: list[tuple[str, range]] = field(default_factory=list)

    def broken(self, assignment: Sequence[int], among: Iterable[int] | None = None) -> list[int]:
        """The constraints that an assignment does not meet, of all or of some; 0 stands for a wire 0 that is not 1."""
        if len(assignment) != self.wires or assignment[ONE] != 1:
            return [ONE]
        return [
            number
            for number in (range(len(self.constraints)) if among is None else among)
            if not _met(self.constraints[number], assignment)
        ]

    def counts(self) -> dict[str, int]:
        """How many constraints each part has."""
        counted: dict[str, int] = {}
        for name, numbers in self.parts:
            counted[name] = counted.get(name, 0) + len(numbers)
        return counted

    def digest(self) -> str:
        """What names this system: the same constraints, the same hexadecimal digits."""
        digest = sha256(f"{FIELD} {self.wires} {self.public}\n".encode())
        for constraint in self.constraints:
            rows = (",".join(f"{wire}:{terms[wire]:x}" for wire in sorted(terms)) for terms in constraint)
            digest.update(("*".join(rows) + "\n").encode())
        return digest.hexdigest()


class Linear:
    """A linear combination of wires, and its value."""

    __slots__ = ("terms", "value")

    def __init__(self, terms: Terms, value: int) -> None:
        self.terms, self.value = terms, value

    def __add__(self, other: "Linear | int") -> "Linear":
        terms = dict(self.terms)
        if isinstance(other, int):
            _add(terms, ONE, other)
            return Linear(terms, (self.value + other) % FIELD)
        for wire, factor in other.terms.items():
            _add(terms, wire, factor)
        return Linear(terms, (self.value + other.value) % FIELD)

    def __mul__(self, factor: int) -> "Linear":
        factor %= FIELD
        terms = {wire: one * factor % FIELD for wire, one in self.terms.items()} if factor else {}
        return Linear(terms, self.value * factor % FIELD)

    def __neg__(self) -> "Linear":
        return self * -1

    def __sub__(self, other: "Linear | int") -> "Linear":
        return self + -other

    def __rsub__(self, other: int) -> "Linear":
        return -self + other


class Builder:
    """Makes wires and constraints.

    recording: without it only the values are computed, several times as fast.
    """

    def __init__(self, public: Sequence[int], *, recording: bool = True) -> None:
        self.values: Assignment = [1, *(value % FIELD for value in public)]
        self.public = tuple(
            Linear({wire: 1} if recording else {}, value) for wire, value in enumerate(self.values) if wire != ONE
        )
        self._recording = recording
        self._constraints: list[Constraint] = []
        self._parts: list[tuple[str, range]] = []

    def constant(self, value: int) -> Linear:
        """A number that is the same in every instance."""
        return Linear({ONE: value % FIELD} if self._recording and value % FIELD else {}, value % FIELD)

    def wire(self, value: int) -> Linear:
        """A new wire. Nothing constrains it yet."""
        self.values.append(value % FIELD)
        return Linear({len(self.values) - 1: 1} if self._recording else {}, value % FIELD)

    def require(self, a: Linear, b: Linear, c: Linear) -> None:
        """A constraint: a times b is c."""
        if self._recording:
            self._constraints.append((a.terms, b.terms, c.terms))

    def require_equal(self, a: Linear, b: Linear) -> None:
        """A constraint: both are the same."""
        self.require(a, self.constant(1), b)

    def product(self, a: Linear, b: Linear) -> Linear:
        """A new wire with the product."""
        made = self.wire(a.value * b.value)
        self.require(a, b, made)
        return made

    def same(self, a: Linear) -> Linear:
        """A new wire with the value of a long combination, to be used where it would be written out often."""
        made = self.wire(a.value)
        self.require_equal(a, made)
        return made

    def quotient(self, a: Linear, b: Linear) -> Linear:
        """A new wire that times b is a. Free where both are zero; none where only b is (0 is put in)."""
        made = self.wire(a.value * pow(b.value, -1, FIELD) if b.value else 0)
        self.require(made, b, a)
        return made

    def bit(self, value: int) -> Linear:
        """A new wire that is 0 or 1."""
        made = self.wire(value)
        self.require(made, made, made)
        return made

    def bits(self, value: int, count: int) -> list[Linear]:
        """New wires with the lowest bits of a number, the lowest first. Each is 0 or 1."""
        return [self.bit(value >> place & 1) for place in range(count)]

    @staticmethod
    def total(parts: Iterable[tuple[int, Linear]]) -> Linear:
        """The sum of combinations, each times a number."""
        terms: Terms = {}
        value = 0
        for factor, part in parts:
            value += factor * part.value
            if part.terms:  # there are none where nothing is recorded
                for wire, one in part.terms.items():
                    _add(terms, wire, one * factor)
        return Linear(terms, value % FIELD)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What is constrained inside belongs to this part of the circuit."""
        first = len(self._constraints)
        yield
        self._parts.append((name, range(first, len(self._constraints))))

    def finished(self) -> R1cs:
        """The system that was recorded."""
        return R1cs(len(self.values), len(self.public), self._constraints, self._parts)


def _add(terms: Terms, wire: int, factor: int) -> None:
    now = (terms.get(wire, 0) + factor) % FIELD
    if now:
        terms[wire] = now
    else:
        terms.pop(wire, None)


def _met(constraint: Constraint, assignment: Sequence[int]) -> bool:
    a, b, c = (sum(factor * assignment[wire] for wire, factor in terms.items()) for terms in constraint)
    return (a * b - c) % FIELD == 0
