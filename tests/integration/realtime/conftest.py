"""The ops slice in a runner of this folder's own, with an empty Redis before each test."""

from collections.abc import Iterator

import pytest

from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from tests.integration.realtime.listeners import JWT_SECRET, House

# One vendor that every container needs is warm; the rest of the bundle is not.
WARM = (("kernel.wiring", "functions.ops.wiring"), ("httpx", "upstash_redis", "upstash_ratelimit", "boto3", "jwt"))


@pytest.fixture(scope="package")
def stack(
    aws_server: Aws, redis_server: RedisRest, children: Children, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The ops slice, started; its minute handlers find no database, which is none of theirs here."""
    environment = {
        **aws_server.env,
        "COUNTERPART_STAGE": "local",
        "COUNTERPART_DATABASE_URL": "plain:postgresql://127.0.0.1:1/none",
        "COUNTERPART_REDIS_REST_URL": redis_server.rest_url,
        "COUNTERPART_REDIS_REST_TOKEN": f"plain:{redis_server.token}",
        "COUNTERPART_KMS_KEY_ID": "alias/none",
        "COUNTERPART_JWT_SECRET": f"plain:{JWT_SECRET}",
    }
    folder = tmp_path_factory.mktemp("realtime")
    with Runner(environment, folder=folder, children=children, warm=WARM) as runner:
        yield runner.stack("realtime", services=("ops",)).start()


@pytest.fixture
def house(stack: Stack, redis_rest: RedisRest, aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The stack with its publisher."""
    for name, value in aws_server.env.items():
        monkeypatch.setenv(name, value)
    house = House(stack, redis_rest, aws_server.client("sqs"))
    yield house
    house.close()
