"""Fixtures of whoever tests barter on a chain that moves: one node a session, an exchange and a deployment a test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

from infra.local import anvil
from infra.local.anvil import AnvilNode
from infra.local.barter.world import Terms, deploy_world
from infra.local.children import Children
from tests.handlers.barter.shop import Shop

OpenShop = Callable[..., Shop]
USUAL = Terms()
_numbers = count()


@pytest.fixture(scope="session")
def moving_node(children: Children) -> Iterator[AnvilNode]:
    """A chain for exchanges whose phases end."""
    node = anvil.start(children, name="barter-shops", extra=("--gas-limit", "4000000000"))
    yield node
    children.forget(node.child)


@pytest.fixture
def open_shop(moving_node: AnvilNode, database_url: str) -> Iterator[OpenShop]:
    """Deploy an exchange for so many agents, and barter beside it. Settings are other than the usual."""
    with ExitStack() as stack:

        def open_one(agents: int = 6, terms: Terms = USUAL, **settings: Any) -> Shop:
            name = f"shop {next(_numbers)}"
            world = stack.enter_context(deploy_world(moving_node, agents=agents, terms=terms, name=name))
            shop = Shop(database_url, world, terms, name=name, **settings)
            stack.callback(shop.close)
            return shop

        yield open_one
