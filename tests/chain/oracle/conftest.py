"""Reward epochs of a local Flare as a fixture."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.anvil import AnvilNode
from tests.chain.oracle.reward_scene import RewardScene, scenes
from tests.databases import Databases


@pytest.fixture
def scene(anvil: AnvilNode, databases: Databases) -> Iterator[Callable[..., RewardScene]]:
    """`scene()`: four equal voters, three feeds, reward epochs of four rounds; the first one begins now."""
    with scenes(anvil, databases) as start:
        yield start
