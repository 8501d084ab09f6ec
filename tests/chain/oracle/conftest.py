"""Reward epochs of a local Flare as a fixture."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.anvil import AnvilNode
from infra.local.postgres import PostgresServer
from tests.chain.oracle.reward_scene import RewardScene, scenes


@pytest.fixture
def scene(anvil: AnvilNode, postgres_server: PostgresServer) -> Iterator[Callable[..., RewardScene]]:
    """`scene()`: four equal voters, three feeds, reward epochs of four rounds; the first one begins now."""
    with scenes(anvil, postgres_server) as start:
        yield start
