"""One chain for the tests of the exchange, and a fresh market on it for each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from gpu.exchange.formats_zkey import verification_key_of
from infra.local import anvil
from infra.local.anvil import AnvilNode
from infra.local.barter.keys import development_key
from infra.local.barter.verifier import deploy_verifier
from infra.local.barter.world import BarterWorld, Terms, deploy_world
from infra.local.children import Children
from infra.local.flare.contracts import Contract

Open = Callable[..., BarterWorld]
USUAL = Terms()


@pytest.fixture(scope="session")
def barter_node(children: Children) -> Iterator[AnvilNode]:
    """A chain that only the tests of the exchange use; its blocks take a whole market's check."""
    node = anvil.start(children, name="barter-contracts", extra=("--gas-limit", "4000000000"))
    yield node
    children.forget(node.child)


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """A number that no market had."""
    return count()


@pytest.fixture
def open_market(barter_node: AnvilNode, numbers: Iterator[int]) -> Iterator[Open]:
    """Deploy an exchange for so many agents, by terms of one's own."""
    with ExitStack() as stack:

        def open_one(agents: int = 6, terms: Terms = USUAL) -> BarterWorld:
            name = f"market {next(numbers)}"
            return stack.enter_context(deploy_world(barter_node, agents=agents, terms=terms, name=name))

        yield open_one


@pytest.fixture(scope="session")
def proving_key() -> bytes:
    """The development key for 16 agents; made once on a machine, in some five seconds of processor time."""
    return development_key().read_bytes()


@pytest.fixture(scope="session")
def groth16_verifier(barter_node: AnvilNode, proving_key: bytes) -> Contract:
    """Its verifier on the chain."""
    return deploy_verifier(barter_node, verification_key_of(proving_key), agents=16, list_max=16)
