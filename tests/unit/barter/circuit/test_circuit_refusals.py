"""What somebody who wants another allocation might change, and why it does not pass."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from functions.barter.core.certificate import Certificate, certify
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.journal import bound_words
from functions.barter.core.words import pack_lists
from gpu.exchange.circuit import CHALLENGE, assignment
from gpu.exchange.circuit_shape import Claim, Shape, Unshown, claim_of
from gpu.exchange.poseidon import sponge
from gpu.exchange.r1cs import FIELD, Assignment
from tests.unit.barter.circuit.stated import (
    assigned,
    bit_wires,
    claimed,
    forged,
    part,
    public_of,
    system_once,
    words_of,
)
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.unit

#: The published market of six, with room for eight agents.
SHAPE = Shape(8, 5)
CERTIFICATE = certify(LISTS, 5)
CLAIM = claimed(SHAPE, LISTS, CERTIFICATE)


def broken(wires: Assignment) -> set[int]:
    """Which constraints an assignment does not meet."""
    return set(system_once(SHAPE).broken(wires))


def in_part(*names: str) -> set[int]:
    """The constraints of some parts."""
    return set(part(system_once(SHAPE), *names))


def test_the_published_market_is_taken() -> None:
    """About the words that the contract has; two agents keep their own."""
    words = bound_words(pack_lists(LISTS), ALLOCATION, 8)

    assert words == words_of(SHAPE, CLAIM)
    assert set() == broken(assignment(SHAPE, public_of(words), CLAIM))


@pytest.mark.parametrize("place", range(9))
def test_a_changed_bit_in_a_list_or_in_the_allocation_is_refused(place: int) -> None:
    """Words other than the claim's: the circuit finds another C, and another v; each is enough."""
    words = words_of(SHAPE, CLAIM)
    c, r, _ = public_of(words)
    for bit in (0, 12, 59, 251):
        other_c, _, other_v = public_of((*words[:place], words[place] ^ 1 << bit, *words[place + 1 :]))

        assert in_part("commitment") & broken(assignment(SHAPE, (other_c, r, other_v), CLAIM))
        assert in_part("evaluation") & broken(assignment(SHAPE, (c, r, other_v), CLAIM))


def test_another_challenge_is_refused() -> None:
    """r is of a market, a block, a chain; v at another r is another."""
    c, r, v = public_of(words_of(SHAPE, CLAIM))

    assert broken(assignment(SHAPE, (c, r + 1, v), CLAIM)) <= in_part("evaluation")
    assert broken(assignment(SHAPE, (c, r + 1, v), CLAIM))


def test_any_other_allocation_is_refused() -> None:
    """Every swap of two items of the published market, with the positions that point at it where there are any."""
    for one in range(6):
        for two in range(one):
            received = list(ALLOCATION)
            received[one], received[two] = received[two], received[one]
            pos = tuple(
                5 if item == agent else LISTS[agent].index(item) if item in LISTS[agent] else 5
                for agent, item in enumerate(received)
            )
            public = public_of(bound_words(pack_lists(LISTS), received, 8))
            claim = claimed(SHAPE, LISTS, Certificate(pos, CERTIFICATE.labels))

            assert broken(assignment(SHAPE, public, claim))


def test_any_wire_that_is_changed_alone_breaks_a_constraint() -> None:
    """Public inputs, bits, hashes, sums: each of them by one, and each bit to 2."""
    system, wires = system_once(SHAPE), assigned(SHAPE, CLAIM)
    uses: dict[int, list[int]] = {}
    for number, constraint in enumerate(system.constraints):
        for wire in {wire for terms in constraint for wire in terms}:
            uses.setdefault(wire, []).append(number)
    source = Random(8)
    for wire in source.sample(range(1, system.wires), 300):
        for value in (wires[wire] + 1, wires[wire] - 1):
            changed = [*wires[:wire], value % FIELD, *wires[wire + 1 :]]

            assert any(system.broken(changed, [number]) for number in uses[wire])


def test_nothing_but_bits_is_free() -> None:
    """Each wire after the public inputs is a bit, or is fixed by those before it: bits are all there is to choose."""
    system, wires = system_once(SHAPE), assigned(SHAPE, CLAIM)
    bits, fixed = set(bit_wires(system)), set(range(1 + system.public))
    for a, b, c in system.constraints:
        newest = max(max(terms, default=0) for terms in (a, b, c))
        left, right = (sum(one * wires[wire] for wire, one in terms.items()) for terms in (a, b))
        slope = a.get(newest, 0) * right + b.get(newest, 0) * left - c.get(newest, 0)
        if newest not in bits and slope % FIELD and newest not in a.keys() & b.keys():
            fixed.add(newest)

    assert set(range(system.wires)) == bits | fixed


def test_the_challenge_is_drawn_from_every_bit() -> None:
    """From those of the lists by way of C; from all others, each in a place of its own, before γ is used."""
    system, wires = system_once(SHAPE), assigned(SHAPE, CLAIM)
    bits, of_lists = set(bit_wires(system)), set(bit_wires(system, "lists"))
    rows = [system.constraints[number] for number in part(system, "challenge")]
    packed = [(a, next(iter(c))) for a, _, c in rows if set(a) <= bits]
    gamma = next(iter(rows[-1][2]))
    placed = [(place, wire) for a, place in packed for wire in a]
    weights = [weight for a, _ in packed for weight in a.values()]

    assert sorted(bits - of_lists) == sorted(wire for _, wire in placed)
    assert all(sorted(a.values()) == [1 << place for place in range(len(a))] and len(a) <= 252 for a, _ in packed)
    assert len(weights) == len(bits - of_lists)
    assert wires[gamma] == sponge(CHALLENGE, [wires[1], *(wires[wire] for _, wire in packed)])
    assert max(bits) < gamma


@pytest.mark.parametrize("name", ["labels", "multiplicities", "positions"])
def test_no_other_bit_gives_the_same_allocation_another_proof(name: str) -> None:
    """A slack, a multiplicity or a position that is not what follows, with all that follows from it computed anew.

    A label of the published market is what others are below; the two who are not there may have any.
    """
    system, wires = system_once(SHAPE), assigned(SHAPE, CLAIM)
    mine = bit_wires(system, name)
    alone = set(mine[-2 * 18 :]) if name == "labels" else set()
    for wire in Random(3).sample(mine, 32):
        assert wire in alone or broken(forged(SHAPE, CLAIM, {wire: 1 - wires[wire]}))
    for value in (2, FIELD - 1):
        assert broken(forged(SHAPE, CLAIM, {mine[0]: value}))


def test_two_positions_or_less_than_none_are_refused() -> None:
    """Exactly one is set, the own item's being what is left over."""
    system = system_once(SHAPE)
    first = bit_wires(system, "positions")[:5]
    for values in ((1, 1, 0, 0, 0), (1, 1, 1, 1, 1), (FIELD - 1, 1, 1, 0, 0), (2, FIELD - 1, 0, 0, 0)):
        wires = forged(SHAPE, CLAIM, dict(zip(first, values, strict=True)))

        assert broken(wires) & in_part("positions")


def test_a_sum_that_is_balanced_by_hand_is_refused() -> None:
    """A false label is looked up; the multiplicity's fraction that would make both sums the same is not one."""
    system = system_once(SHAPE)
    claim = claimed(SHAPE, [[1], [0], [], [], [], []], Certificate((5,) * 6, (1,) * 6))
    wires = assigned(SHAPE, claim)
    *fractions, total = part(system, "lookup")
    left, _, right = system.constraints[total]
    short = sum(wires[wire] for wire in left) - sum(wires[wire] for wire in right)
    last = max(right)
    balanced = [*wires[:last], (wires[last] + short) % FIELD, *wires[last + 1 :]]

    assert [total] == system.broken(wires)
    assert [max(fractions)] == system.broken(balanced)


def test_the_last_product_cannot_be_put_right() -> None:
    """An item given twice: the products differ, and each is fixed by its factors."""
    system = system_once(SHAPE)
    wires = assigned(SHAPE, claimed(SHAPE, [[1], [], [], [], [], []], Certificate((0, 5, 5, 5, 5, 5), (1,) * 6)))
    *_, equal = part(system, "permutation")
    left, _, right = system.constraints[equal]
    (mine,), (others,) = left, right
    forced = [wires[others] if wire == mine else value for wire, value in enumerate(wires)]

    assert [equal] == system.broken(wires)
    assert set(system.broken(forced)) == {
        max(n for n in part(system, "permutation") if mine in system.constraints[n][2])
    }


def test_an_entry_of_more_bits_than_items_have_is_another_word() -> None:
    """12 bits lie between entries, of which a circuit for eight knows four: 16 and more is no item here."""
    claim = replace(CLAIM, lists=(CLAIM.lists[0] + 16, *CLAIM.lists[1:]))

    assert broken(assigned(SHAPE, claim)) & in_part("commitment")


def test_an_item_beyond_the_agents_is_not_looked_up() -> None:
    """9 has four bits, but is nobody's: before a position nobody may list it, behind it nobody asks."""
    lists = [[8, 1], [0], *([[]] * 6)]
    words = tuple(9 + (2 << 12) if agent == 0 else 1 if agent == 1 else 0 for agent in range(8))
    behind = claim_of(SHAPE, tuple(2 + (9 << 12) if word > 1 else word for word in words), (0, 0, *[5] * 6), (1,) * 8)

    assert len(lists) == len(words)
    assert broken(assigned(SHAPE, claim_of(SHAPE, words, (1, 0, *[5] * 6), (2,) * 2 + (1,) * 6))) <= in_part("lookup")
    assert broken(assigned(SHAPE, claim_of(SHAPE, words, (1, 0, *[5] * 6), (2,) * 2 + (1,) * 6)))
    assert set() == broken(assigned(SHAPE, behind))


def test_a_label_of_zero_a_far_position_and_a_long_list_are_no_claims() -> None:
    """They are refused before anything is computed."""
    for claim in (
        ((0,), (5,), (0,)),
        ((0,), (5,), (9,)),
        ((0,), (6,), (1,)),
        ((0,), (-1,), (1,)),
        ((1 << 60,), (5,), (1,)),
        ((0,) * 9, (5,) * 9, (1,) * 9),
        ((0,), (5, 5), (1,)),
    ):
        with pytest.raises(Unshown):
            claim_of(SHAPE, *claim)
    for shape in ((1, 5), (4096, 5), (8, 0), (8, 22)):
        with pytest.raises(Unshown):
            Shape(*shape)


def test_agents_beyond_the_market_keep_their_own() -> None:
    """They list nothing; whoever gives one of them another's item is refused."""
    assert Claim((*pack_lists(LISTS), 0, 0), (*CERTIFICATE.pos, 5, 5), (*CERTIFICATE.labels, 1, 1)) == CLAIM
    words = bound_words(pack_lists(LISTS), ALLOCATION, 8)
    swapped: Mapping[int, int] = {8: words[8] + (1 << 72) - (1 << 84)}
    changed = tuple(swapped.get(place, word) for place, word in enumerate(words))

    assert broken(assignment(SHAPE, public_of(changed), CLAIM))
    assert top_trading_cycles(LISTS) == ALLOCATION
