"""The contract's check of certificates: nothing but top trading cycles passes, and that always does."""

from collections.abc import Iterator
from itertools import permutations, product

import pytest

from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.words import pack_lists
from infra.local.anvil import AnvilNode
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
