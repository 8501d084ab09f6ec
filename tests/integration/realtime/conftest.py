"""The ops slice in a runner of this folder's own, with an empty Redis before each test."""

from collections.abc import Iterator

import pytest

from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.runner.stack import Stack
from tests.integration.realtime.listeners import House, ops_stack


@pytest.fixture(scope="module")
def stack(
    aws_server: Aws, redis_server: RedisRest, children: Children, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The ops slice, started for one file: its pollers must not be there when unit tests run."""
    with ops_stack(aws_server, redis_server, children, tmp_path_factory.mktemp("realtime")) as stack:
        yield stack


@pytest.fixture
def house(stack: Stack, redis_rest: RedisRest, aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The stack with its publisher."""
    for name, value in aws_server.env.items():
        monkeypatch.setenv(name, value)
    house = House(stack, redis_rest, aws_server.client("sqs"))
    yield house
    house.close()
