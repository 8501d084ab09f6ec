"""Owns the circuit: that an allocation is that of top trading cycles, for `size` agents with `list_max` places each.

Public inputs, in this order: C, r, v. Private: each agent's list as a word, a position, a label. It is met if and only
if the word list W (the lists' words, then the allocation's) is hashed to C, v is the sum of W_j r^j from j = 1, and the
positions and labels are a certificate of the allocation (functions/barter/core/certificate.py says why that is enough):

    C1  what is received is a permutation
    C2  every item before an agent's position has a label strictly smaller than the agent's
    C3  the label of the agent whose item is received is the receiver's

Agents and items are counted from one, as the entries of words are; 0 is no item, and has label 0. A position of
`list_max` is the own item. Agents that the market does not have list nothing and keep their own.

How, and why nothing else passes:

* What is private are bits, each a wire that is 0 or 1: those of the entries of the lists (as many as an item of this
  size has, at 12 bits' distance in the word: at most 252, fewer than the field's, so that a word has one reading), one
  for each position, of which one is set, those of each label less one, of each slack, and of each multiplicity. All
  else is a combination or a product of them, or of what the challenge below is drawn into.
* `reached` is the entry where it stands before the position, else 0. Its label is the agent's, less one, less the
  slack: so it is smaller than the agent's, whatever the bits are (C2), if it is the label of that item.
* That it is, a lookup says: each (reached, label) is one of (0, 0) and all (j, t_j). Written as one number, item +
  2^b label, which no two pairs share, the sum of 1 / (γ - looked up) is the sum of m_j / (γ - T_j). As fractions in γ
  both are the same only where everything that is looked up is in the table: the poles have to be, and no pole of the
  left side vanishes, since they are far fewer than the field's elements.
* C1 and C3 at once: {(received, t_i)} and {(j, t_j)} are the same as multisets, by the products of γ less each pair's
  number. An entry of 0 is no j: a position in a list's empty rest is refused.
* γ is hashed in the circuit from C, hence from W, and from all bits that W does not fix: slacks, positions, labels,
  multiplicities. Nothing that enters a sum or a product can be chosen after γ. Two different polynomials of degree
  d agree at a hash with a chance of d / 2^253; d is at most size * (list_max + 2).
* That W is the market's, the circuit cannot know. Whoever verifies draws r from the market, its own words and C, and
  takes v from its own words: W was chosen before r was known, and gives the same v only if it is the same.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpu.exchange.circuit_poseidon import sponge
from gpu.exchange.circuit_shape import BITS, PER_WORD, WORD_BITS, Claim, Shape, claim_of
from gpu.exchange.poseidon import sponge as plain_sponge
from gpu.exchange.r1cs import Assignment, Builder, Linear, R1cs

#: What C and the challenge γ are hashed for.
COMMITMENT: Final = 1
CHALLENGE: Final = 2


@dataclass(frozen=True, slots=True)
class _Agent:
    """An agent's wires. `looked_up` has the number of a pair for each place of its list."""

    word: Linear
    label: Linear
    received: Linear
    reached: tuple[Linear, ...]
    looked_up: tuple[Linear, ...]


def committed(words: Sequence[int]) -> int:
    """C of a word list."""
    return plain_sponge(COMMITMENT, words)


def system(shape: Shape) -> R1cs:
    """The constraints of a size."""
    nobody = claim_of(shape, (), (), ())
    builder = Builder((0, 0, 0))
    constrain(builder, shape, nobody)
    return builder.finished()


def assignment(shape: Shape, public: tuple[int, int, int], claim: Claim) -> Assignment:
    """The wires for (C, r, v) and a claim; `R1cs.broken` says whether they meet the constraints."""
    builder = Builder(public, recording=False)
    constrain(builder, shape, claim)
    return builder.values


def constrain(builder: Builder, shape: Shape, claim: Claim) -> None:
    """Makes the circuit's wires and constraints, with the claim's values."""
    bits: list[Linear] = []
    agents = [_agent(builder, shape, claim, number, bits) for number in range(1, shape.size + 1)]
    scale = 1 << shape.item_bits
    table = [builder.constant(0), *(agent.label * scale + item for item, agent in enumerate(agents, 1))]
    with builder.part("multiplicities"):
        multiplicities = _multiplicities(builder, shape, agents, bits)
    words = _words(builder, agents)
    commitment, r, v = builder.public
    with builder.part("commitment"):
        builder.require_equal(sponge(builder, COMMITMENT, words), commitment)
    with builder.part("challenge"):
        gamma = builder.same(sponge(builder, CHALLENGE, [commitment, *_packed(builder, bits)]))
    with builder.part("lookup"):
        one = builder.constant(1)
        there = [builder.quotient(one, gamma - pair) for agent in agents for pair in agent.looked_up]
        known = [builder.quotient(m, gamma - pair) for m, pair in zip(multiplicities, table, strict=True)]
        builder.require_equal(builder.total((1, part) for part in there), builder.total((1, part) for part in known))
    with builder.part("permutation"):
        given = [(agent.received, agent.label * scale) for agent in agents]
        left = _product(builder, [gamma - (item + label) for item, label in given])
        right = _product(builder, [gamma - (label + item) for item, (_, label) in enumerate(given, 1)])
        builder.require_equal(left, right)
    with builder.part("evaluation"):
        _require_evaluation(builder, words, r, v)


def _agent(builder: Builder, shape: Shape, claim: Claim, number: int, bits: list[Linear]) -> _Agent:
    """An agent's wires; those of its bits that its word does not fix are added to `bits`."""
    index, places = number - 1, range(shape.list_max)
    word, position = claim.lists[index], claim.positions[index]
    with builder.part("lists"):
        entries = [_number(builder.bits(word >> BITS * place, shape.item_bits)) for place in places]
        packed = builder.same(_number(entries, BITS))
    with builder.part("positions"):
        chosen = [builder.bit(position == place) for place in places]
        own = builder.constant(1) - builder.total((1, one) for one in chosen)
        builder.require(own, own, own)
    with builder.part("labels"):
        label_bits = builder.bits(claim.labels[index] - 1, shape.label_bits)
        label = _number(label_bits) + 1
        most = label - 1  # what an item's label may be before the position
    bits += [*chosen, *label_bits]
    taken, reached, looked_up, before = [], [], [], builder.constant(1)
    for entry, one in zip(entries, chosen, strict=True):
        before = before - one
        with builder.part("positions"):
            taken.append(builder.product(entry, one))
            reached.append(builder.product(entry, before))
        with builder.part("labels"):
            slack_bits = builder.bits(most.value - _label(shape, claim, reached[-1].value), shape.label_bits)
        bits += slack_bits
        looked_up.append(reached[-1] + (most - _number(slack_bits)) * (1 << shape.item_bits))
    received = builder.total((1, item) for item in [*taken, own * number])
    return _Agent(packed, label, received, tuple(reached), tuple(looked_up))


def _label(shape: Shape, claim: Claim, item: int) -> int:
    """An item's label: what is looked up where the certificate holds."""
    return claim.labels[item - 1] if 1 <= item <= shape.size else 0


def _multiplicities(builder: Builder, shape: Shape, agents: Sequence[_Agent], bits: list[Linear]) -> list[Linear]:
    """How often each item, or none, is looked up; their bits are added to `bits`."""
    counted = Counter(item.value for agent in agents for item in agent.reached)
    found = []
    for item in range(shape.size + 1):
        own = builder.bits(counted[item], shape.multiplicity_bits)
        bits += own
        found.append(_number(own))
    return found


def _words(builder: Builder, agents: Sequence[_Agent]) -> list[Linear]:
    """W: the lists' words, then the allocation's."""
    words = [agent.word for agent in agents]
    with builder.part("allocation"):
        for first in range(0, len(agents), PER_WORD):
            received = [agent.received for agent in agents[first : first + PER_WORD]]
            words.append(builder.same(_number(received, BITS)))
    return words


def _packed(builder: Builder, bits: Sequence[Linear]) -> list[Linear]:
    """Bits, as few wires as hold them."""
    return [builder.same(_number(bits[first : first + WORD_BITS])) for first in range(0, len(bits), WORD_BITS)]


def _number(digits: Sequence[Linear], distance: int = 1) -> Linear:
    """The number of digits that stand so many bits apart, the lowest first."""
    return Builder.total((1 << distance * place, digit) for place, digit in enumerate(digits))


def _product(builder: Builder, factors: Sequence[Linear]) -> Linear:
    product = factors[0]
    for factor in factors[1:]:
        product = builder.product(product, factor)
    return product


def _require_evaluation(builder: Builder, words: Sequence[Linear], r: Linear, v: Linear) -> None:
    """v is the sum of W_j r^j from j = 1."""
    total = builder.product(words[-1], r)
    for word in reversed(words[1:-1]):
        total = builder.product(total + word, r)
    builder.require(total + words[0], r, v)
