"""The certificate that a contract or a circuit checks."""

from collections.abc import Callable, Iterator
from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given

from functions.barter.core.certificate import Certificate, CertificateInvalid, certify, check
from functions.barter.core.cycles import PreferencesUnfit, top_trading_cycles
from tests.unit.barter.test_cycles import markets

pytestmark = pytest.mark.unit

PUBLISHED = [[2, 1, 3, 0], [2, 4, 5], [2, 0], [1, 4, 5, 3], [0, 2, 1], [1, 3, 4, 5]]


def partial_lists(agent: int, count: int) -> list[list[int]]:
    """All strict lists over the others' items."""
    others = [item for item in range(count) if item != agent]
    return [list(wishes) for length in range(count) for wishes in permutations(others, length)]


def dense_labels(count: int) -> list[tuple[int, ...]]:
    """All weak orders, labelled 1, 2, 3 … without a gap."""
    orders = product(range(1, count + 1), repeat=count)
    return [labels for labels in orders if set(labels) == {*range(1, max(labels) + 1)}]


def accepted(lists: list[list[int]], list_max: int, labels: list[tuple[int, ...]]) -> Iterator[list[int]]:
    """The allocations of all certificates that are taken; positions that give an item twice are tried once."""
    for pos in product(range(list_max + 1), repeat=len(lists)):
        chosen = zip(pos, lists, strict=True)
        items = {wishes[at] if at < len(wishes) else agent for agent, (at, wishes) in enumerate(chosen)}
        for one in labels if len(items) == len(lists) else labels[:1]:
            try:
                yield check(lists, Certificate(pos, one), list_max)
            except CertificateInvalid:
                continue


def test_the_published_markets_certificate() -> None:
    """K = 4. S3 leaves alone, S1 S2 S5 after it, and after those S4 and S6."""
    certificate = certify(PUBLISHED)

    assert Certificate((1, 1, 4, 2, 0, 1), (2, 2, 1, 3, 2, 3)) == certificate
    assert top_trading_cycles(PUBLISHED) == check(PUBLISHED, certificate)


@given(markets())
def test_every_market_has_a_certificate(lists: list[list[int]]) -> None:
    """It shows the allocation of top trading cycles, whatever room the lists are given."""
    longest = max(map(len, lists), default=0)

    assert top_trading_cycles(lists) == check(lists, certify(lists))
    assert top_trading_cycles(lists) == check(lists, certify(lists, longest + 3), longest + 3)


def test_every_accepted_certificate_of_three_agents_is_right() -> None:
    """All 125 profiles, all positions, all label orders; each profile has one at least."""
    labels = dense_labels(3)
    for lists in product(*(partial_lists(agent, 3) for agent in range(3))):
        found = list(accepted(list(lists), 2, labels))

        assert found
        assert all(one == top_trading_cycles(lists) for one in found)


def test_every_accepted_certificate_of_four_agents_is_right(volume: Callable[[int, int], int]) -> None:
    """Sampled profiles, all positions, all 75 dense label orders."""
    source, labels = Random(9), dense_labels(4)
    choices = [partial_lists(agent, 4) for agent in range(4)]
    for _ in range(volume(20, 20_000)):
        lists = [source.choice(choice) for choice in choices]
        found = list(accepted(lists, 3, labels))

        assert found
        assert all(one == top_trading_cycles(lists) for one in found)


def test_a_ring_with_two_labels_is_refused() -> None:
    """Only the third condition forbids it: nobody misses anything, yet 0 and 1 would swap and leave 2 alone."""
    with pytest.raises(CertificateInvalid) as invalid:
        check([[1], [0, 2], [0]], Certificate((0, 1, 0), (1, 2, 1)))

    assert {"condition": "C3"} == invalid.value.details


def test_a_better_item_with_an_equal_label_is_refused() -> None:
    """Both would rather have each other's; that they keep their own is not what follows."""
    with pytest.raises(CertificateInvalid):
        check([[1], [0]], Certificate((1, 1), (1, 1)))


def test_an_item_given_twice_is_refused() -> None:
    """0 receives what 1 keeps, which has no other wish: only the first condition forbids it."""
    with pytest.raises(CertificateInvalid) as invalid:
        check([[1], []], Certificate((0, 1), (1, 1)))

    assert {"condition": "C1"} == invalid.value.details


@pytest.mark.parametrize(
    "certificate",
    [
        Certificate((0,), (1, 1)),
        Certificate((0, 0), (1,)),
        Certificate((0, 0), (0, 0)),
        Certificate((-1, 0), (1, 1)),
        Certificate((2, 2), (1, 1)),
    ],
)
def test_a_malformed_certificate_is_refused(certificate: Certificate) -> None:
    """Too short, a label of 0, a position before the list or beyond it."""
    with pytest.raises(CertificateInvalid):
        check([[1], [0]], certificate)


def test_a_position_in_a_lists_empty_rest_is_refused() -> None:
    """Between the end and K there is nothing; K itself is the own item."""
    lists = [[1, 2], [], []]

    with pytest.raises(CertificateInvalid):
        check(lists, Certificate((2, 1, 2), (2, 1, 1)))
    assert [0, 1, 2] == check(lists, Certificate((2, 2, 2), (2, 1, 1)))


def test_the_own_items_place_in_a_list_is_no_position() -> None:
    """There is one way to say it: K."""
    with pytest.raises(CertificateInvalid):
        check([[0], []], Certificate((0, 1), (1, 1)))


def test_a_list_longer_than_its_room_is_refused() -> None:
    """It would not fit into the contract's words."""
    with pytest.raises(PreferencesUnfit):
        certify([[1, 2], [], []], 1)


@given(markets(6))
def test_one_changed_position_or_label_is_refused_or_changes_nothing(lists: list[list[int]]) -> None:
    """No single change makes another allocation pass."""
    if not lists:
        return
    certificate, expected = certify(lists), top_trading_cycles(lists)
    for agent in range(len(lists)):
        for step in (-1, 1):
            for pos, labels in ((step, 0), (0, step)):
                changed = Certificate(
                    tuple(one + pos * (index == agent) for index, one in enumerate(certificate.pos)),
                    tuple(one + labels * (index == agent) for index, one in enumerate(certificate.labels)),
                )
                try:
                    assert expected == check(lists, changed)
                except CertificateInvalid:
                    continue
