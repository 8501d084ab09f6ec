"""The nursery of crash runs, and the stages on which they take place."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.ipfs import Ipfs
from infra.local.postgres import PostgresServer
from infra.local.redis import RedisRest
from tests.crash.harness.scenario import Scenario
from tests.crash.harness.stage import Nursery, Stage


@pytest.fixture(scope="session")
def nursery(children: Children) -> Iterator[Nursery]:
    """The warmed parent of this pytest process's victims."""
    nursery = Nursery(children)
    yield nursery
    nursery.close()


@pytest.fixture
def stage(
    request: pytest.FixtureRequest,
    nursery: Nursery,
    children: Children,
    postgres_server: PostgresServer,
    tmp_path: Path,
) -> Iterator[Callable[[Scenario, int], Stage]]:
    """`stage(scenario, seed)`: its servers, until the test ends."""

    def servers(name: str) -> tuple[str, ...]:
        if name == "redis":
            redis: RedisRest = request.getfixturevalue("redis_server")
            return redis.rest_url, redis.token
        if name == "ipfs":
            ipfs: Ipfs = request.getfixturevalue("ipfs_server")
            return ipfs.control_url, *ipfs.urls.values()
        aws: Aws = request.getfixturevalue("aws_server")
        return (aws.endpoint,)

    with ExitStack() as stages:
        yield lambda scenario, seed: stages.enter_context(
            Stage(scenario, nursery, children, postgres_server, servers, tmp_path, seed)
        )
