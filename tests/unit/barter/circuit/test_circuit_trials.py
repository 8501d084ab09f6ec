"""Every certificate of every market of three, up to the agents' names, tried in the circuit's constraints."""

from collections.abc import Callable, Iterator
from itertools import permutations, product
from random import Random

import pytest

from functions.barter.core.certificate import Certificate, CertificateInvalid, certify, check
from functions.barter.core.cycles import top_trading_cycles
from gpu.exchange.circuit_shape import Shape
from tests.unit.barter.circuit.stated import assigned, bit_wires, claimed, forged, part, system_once
from tests.unit.barter.test_certificate import dense_labels, partial_lists

pytestmark = pytest.mark.unit

Profile = tuple[tuple[int, ...], ...]
SHAPE = Shape(3, 2)
SEED = 20261121


def profiles() -> list[Profile]:
    """Of all 125, one of those that differ only in the agents' names."""
    every = product(*([tuple(wishes) for wishes in partial_lists(agent, 3)] for agent in range(3)))
    return sorted({min(renamed(profile)) for profile in every})


def renamed(profile: Profile) -> Iterator[Profile]:
    """The profile under each renaming."""
    for names in permutations(range(3)):
        yield tuple(tuple(names[item] for item in profile[names.index(agent)]) for agent in range(3))


def certificates() -> list[Certificate]:
    """All positions, all label orders."""
    return [Certificate(pos, labels) for pos in product(range(3), repeat=3) for labels in dense_labels(3)]


def holds(lists: list[list[int]], certificate: Certificate) -> bool:
    """Whether the certificate holds, by its definition; what it shows is the right allocation then."""
    try:
        received = check(lists, certificate, SHAPE.list_max)
    except CertificateInvalid:
        return False
    assert top_trading_cycles(lists) == received
    return True


def test_the_circuit_takes_what_the_definition_takes(
    volume: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """Of 25 profiles: all positions, all 13 dense label orders; a seeded part of them in a test, all in soak.

    The hashes' own constraints are met by how the wires are made: they are looked at in one of 32 trials.
    """
    record_property("seed", SEED)
    source, system, trials = Random(SEED), system_once(SHAPE), list(product(profiles(), certificates()))
    hashes = set(part(system, "commitment", "challenge"))
    rest = [number for number in range(len(system.constraints)) if number not in hashes]
    refused = 0
    for profile, certificate in source.sample(trials, volume(250, len(trials))):
        lists = [list(wishes) for wishes in profile]
        wires = assigned(SHAPE, claimed(SHAPE, lists, certificate))
        broken = system.broken(wires, None if source.random() < 1 / 32 else rest)
        refused += bool(broken)

        assert holds(lists, certificate) == (not broken)
        assert hashes.isdisjoint(broken)
    assert refused


def test_every_profile_has_a_certificate_that_the_circuit_takes() -> None:
    """The one that is made for it, in all constraints."""
    for profile in profiles():
        lists = [list(wishes) for wishes in profile]

        assert [] == system_once(SHAPE).broken(assigned(SHAPE, claimed(SHAPE, lists, certify(lists, 2))))


def test_a_ring_with_two_labels_is_refused_by_the_permutation_alone() -> None:
    """What dropping the third condition would let through: nobody misses anything, yet 0 and 1 would swap."""
    broken = system_once(SHAPE).broken(
        assigned(SHAPE, claimed(SHAPE, [[1], [0, 2], [0]], Certificate((0, 1, 0), (1, 2, 1))))
    )

    assert broken and set(broken) <= set(part(system_once(SHAPE), "permutation"))


def test_a_better_item_with_an_equal_label_is_refused_by_the_lookup_alone() -> None:
    """What `<=` for `<` would let through: both would rather have each other's, and keep their own."""
    broken = system_once(SHAPE).broken(
        assigned(SHAPE, claimed(SHAPE, [[1], [0], []], Certificate((2, 2, 2), (1, 1, 1))))
    )

    assert broken and set(broken) <= set(part(system_once(SHAPE), "lookup"))


@pytest.mark.parametrize("position", [0, 1])
def test_a_place_where_nothing_lies_is_refused(position: int) -> None:
    """Only 2, where lists have two places, is the own item."""
    lists: list[list[int]] = [[], [], []]
    system = system_once(SHAPE)

    assert system.broken(assigned(SHAPE, claimed(SHAPE, lists, Certificate((position, 2, 2), (1, 1, 1)))))
    assert not system.broken(assigned(SHAPE, claimed(SHAPE, lists, Certificate((2, 2, 2), (1, 1, 1)))))


def test_no_choice_of_all_bits_of_two_agents_shows_another_allocation(
    volume: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """Two agents, lists of one: every bit there is to choose, labels, slacks and multiplicities, at will.

    All that is not a bit follows from bits (test_nothing_but_bits_is_free), so that in soak these are all assignments.
    """
    record_property("seed", SEED)
    shape = Shape(2, 1)
    system = system_once(shape)
    free = bit_wires(system, "labels", "multiplicities")
    hashes = set(part(system, "commitment", "challenge"))
    rest = [number for number in range(len(system.constraints)) if number not in hashes]
    markets: list[list[list[int]]] = [[one, two] for one in ([], [1]) for two in ([], [0])]
    taken = [claimed(shape, lists, certify(lists, 1)) for lists in markets]
    trials = [
        (lists, pos, bits)
        for lists in markets
        for pos in product(range(2), repeat=2)
        for bits in product(range(2), repeat=len(free))
    ]
    for lists, pos, bits in Random(SEED).sample(trials, volume(100, len(trials))):
        claim = claimed(shape, lists, Certificate(pos, (1, 1)))
        wires = forged(shape, claim, dict(zip(free, bits, strict=True)))
        received = tuple(agent if at else (lists[agent] or [-1])[0] for agent, at in enumerate(pos))

        assert system.broken(wires, rest) or list(received) == top_trading_cycles(lists)
    assert all(not system.broken(assigned(shape, claim)) for claim in taken)
