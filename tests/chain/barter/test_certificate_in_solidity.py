"""The contract's check of certificates: nothing but top trading cycles passes, and that always does."""

from collections.abc import Iterator
from itertools import permutations, product
from random import Random

import pytest

from functions.barter.core.certificate import Certificate, CertificateInvalid, certify, check
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.words import pack_lists
from infra.local.anvil import AnvilNode, RpcRefused
from infra.local.barter.world import deploy
from infra.local.evm_reading import ask
from infra.local.flare.contracts import Contract
from tests.unit.barter.test_certificate import partial_lists

pytestmark = pytest.mark.chain

AGENTS, LIST_MAX = 3, 2


@pytest.fixture(scope="module")
def trials(barter_node: AnvilNode) -> Contract:
    """The contract that tries all certificates of a market in one call."""
    return deploy(barter_node, "CertificateTrials")


def profiles() -> Iterator[list[list[int]]]:
    """The markets of three, one of each that are the same but for the agents' names."""
    seen: set[tuple[tuple[int, ...], ...]] = set()
    for lists in product(*(partial_lists(agent, AGENTS) for agent in range(AGENTS))):
        renamed = {
            tuple(tuple(name[item] for item in lists[name.index(agent)]) for agent in range(AGENTS))
            for name in permutations(range(AGENTS))
        }
        if not renamed & seen:
            seen.add(tuple(map(tuple, lists)))
            yield [list(wishes) for wishes in lists]


def test_every_certificate_of_every_market_of_three(barter_node: AnvilNode, trials: Contract) -> None:
    """27 positions times 27 labels each: what passes shows one allocation, and it is the right one."""
    markets = list(profiles())
    for lists in markets:
        shown, held = ask(barter_node, trials, "tryAll", list(pack_lists(lists)), LIST_MAX)
        expected = sum((item + 1) << 4 * (AGENTS - 1 - agent) for agent, item in enumerate(top_trading_cycles(lists)))

        assert (shown, held > 0) == ((expected,), True), lists
    # Burnside: (125 + 3 * 5 + 2 * 5) / 6 of the 125 markets.
    assert len(markets) == 25


def shown(node: AnvilNode, trials: Contract, lists: list[list[int]], certificate: Certificate, list_max: int) -> bool:
    """Whether the contract takes it, for the allocation that its positions are."""
    received = [
        agent + 1 if place == list_max else lists[agent][place] + 1 if place < len(lists[agent]) else 0
        for agent, place in enumerate(certificate.pos)
    ]
    words = list(pack_lists(lists))
    permutes, held = ask(node, trials, "tryOne", words, received, certificate.labels, certificate.pos, list_max)
    assert permutes == (sorted(received) == list(range(1, len(lists) + 1)))
    return bool(held)


def holds(lists: list[list[int]], certificate: Certificate, list_max: int) -> bool:
    """Whether the reference takes it."""
    try:
        check(lists, certificate, list_max)
    except CertificateInvalid:
        return False
    return True


@pytest.mark.parametrize("seed", range(60))
def test_long_lists_and_many_agents_are_judged_as_the_reference_judges_them(
    seed: int, barter_node: AnvilNode, trials: Contract
) -> None:
    """The right certificate, and what differs from it in one label or one position, a little or a lot."""
    dice = Random(seed)
    agents, list_max = dice.choice((2, 5, 21, 22, 40)), dice.choice((1, 2, 3, 16, 20, 21))
    others = [[item for item in range(agents) if item != agent] for agent in range(agents)]
    lists = [dice.sample(wanted, dice.randint(0, min(list_max, len(wanted)))) for wanted in others]
    right = certify(lists, list_max)
    assert shown(barter_node, trials, lists, right, list_max)

    for _ in range(8):
        pos, labels = list(right.pos), list(right.labels)
        agent = dice.randrange(agents)
        labels[agent] = max(0, labels[agent] + dice.choice((-1, 0, 0, 1, 3)))
        pos[agent] = dice.choice((pos[agent], dice.randint(0, list_max), list_max, list_max + 1, 22, 4095))
        changed = Certificate(tuple(pos), tuple(labels))

        assert holds(lists, changed, list_max) == shown(barter_node, trials, lists, changed, list_max), changed


@pytest.mark.parametrize("place", range(21))
def test_each_item_before_the_own_one_is_looked_at(place: int, barter_node: AnvilNode, trials: Contract) -> None:
    """One agent wants all others, who keep what is theirs and leave before; but one does not."""
    lists: list[list[int]] = [list(range(1, 22)), *([] for _ in range(21))]
    labels = [2] + [2 if item - 1 == place else 1 for item in range(1, 22)]
    before = Certificate((21,) * 22, (2,) + (1,) * 21)

    assert shown(barter_node, trials, lists, before, 21)
    assert not shown(barter_node, trials, lists, Certificate((21,) * 22, tuple(labels)), 21)


def test_what_is_received_is_what_the_positions_are(barter_node: AnvilNode, trials: Contract) -> None:
    """Two who get what the other one's position says, with all else as it should be."""
    words = list(pack_lists([[1], [0]]))

    def taken(received: list[int]) -> list[bool]:
        return list(ask(barter_node, trials, "tryOne", words, received, [1, 1], [0, 0], 1))

    assert ([True, True], [True, False]) == (taken([2, 1]), taken([1, 2]))


@pytest.mark.parametrize("agents", [0, 1, 2, 254, 255, 256, 257, 511, 512, 513, 900])
def test_a_permutation_is_told_from_what_is_none(agents: int, barter_node: AnvilNode, trials: Contract) -> None:
    """Also where 256 items fill a word; an item twice, none, or one that nobody brought."""
    dice = Random(agents)
    right = dice.sample(range(1, agents + 1), agents)

    def permutes(received: list[int]) -> bool:
        nothing = [0] * len(received)
        return bool(ask(barter_node, trials, "tryOne", nothing, received, nothing, nothing, 21)[0])

    assert permutes(right)
    for place in {0, agents // 2, agents - 1, right.index(agents)} if agents else ():
        wrong = {0, 1, agents + 1, agents + 256, 256, 4095, 2**255, 2**256 - 1, right[place - 1]} - {right[place]}
        for item in wrong:
            assert not permutes([*right[:place], item, *right[place + 1 :]]), item


@pytest.mark.parametrize("entries", [0, 1, 6, 7, 8, 20, 21, 22, 42, 43, 64])
def test_words_are_unpacked_to_their_last_entry(entries: int, barter_node: AnvilNode, trials: Contract) -> None:
    """And anything behind it is refused."""
    dice = Random(entries)
    said = [dice.choice((0, 1, 4095, dice.randrange(4096))) for _ in range(entries)]
    words = [sum(entry << 12 * place for place, entry in enumerate(said[at : at + 21])) for at in range(0, entries, 21)]

    def unpacked(words: list[int]) -> list[int]:
        told, behind = ask(barter_node, trials, "unpack", b"".join(word.to_bytes(32, "big") for word in words), entries)
        assert behind == 0
        return list(told)

    assert said == unpacked(words)
    for number, word in enumerate(words):
        here = min(21, entries - 21 * number)
        for bit in {12 * here, 251, 252, 255} - {bit for bit in (251,) if here == 21}:
            with pytest.raises(RpcRefused, match="Words are not canonical"):
                unpacked([*words[:number], word | 1 << bit, *words[number + 1 :]])
