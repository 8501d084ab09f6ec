"""Containers that start ahead of their first call, in Lambda's real runtime client: snapshots, and provisioned ones."""

import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.local import ports
from infra.local.children import Children
from tests.bench.runtime_api import RuntimeApi
from tests.integration.kernel.started_ahead import SEED

pytestmark = pytest.mark.integration

HANDLER = "tests.integration.kernel.started_ahead.handler"
ENVIRONMENT = {
    "COUNTERPART_STAGE": "test",
    "COUNTERPART_REDIS_REST_URL": "http://127.0.0.1:1",
    "COUNTERPART_REDIS_REST_TOKEN": "plain:none",
    "COUNTERPART_QUEUE_URL_PREFIX": "http://127.0.0.1:1/",
    "COUNTERPART_JWT_SECRET": "plain:none",
    "AWS_LAMBDA_FUNCTION_NAME": "ahead",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_GROUP_NAME": "ahead",
    "AWS_LAMBDA_LOG_STREAM_NAME": "ahead",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
EVENT = json.loads(Path("events/ops/ws_default.json").read_text(encoding="utf-8"))


@contextmanager
def started(children: Children, how: str, database_url: str) -> Iterator[RuntimeApi]:
    """A container in Lambda's runtime client, started as Lambda calls that."""
    with RuntimeApi() as api:
        told = {"AWS_LAMBDA_RUNTIME_API": api.address, "AWS_LAMBDA_INITIALIZATION_TYPE": how}
        database = {"COUNTERPART_DATABASE_URL": f"plain:{database_url}"}
        command = [sys.executable, "-m", "awslambdaric", HANDLER]
        child = children.start(f"ahead-{how}", command, env={**ENVIRONMENT, **told, **database})
        try:
            yield api
        finally:
            api.restore()
            children.forget(child)


def sessions(database_url: str) -> list[int]:
    """Who is connected to the database besides the one that asks."""
    query = (
        "select pid from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute(query)]


def told(api: RuntimeApi) -> dict[str, Any]:
    """What the container says in one invocation."""
    answer, _ = api.invoke(EVENT)
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def test_a_snapshot_holds_no_connection_and_nothing_that_was_built(children: Children, database_url: str) -> None:
    """They were built and checked, so that what they import is in it, and are built anew after the restore."""
    with started(children, "snap-start", database_url) as api:
        api.frozen()
        within = sessions(database_url)
        api.restore()
        first, second = told(api), told(api)

    assert [] == within
    assert (2, 2) == (first["number"], second["number"])
    assert first["session"] == second["session"]


def test_copies_of_a_snapshot_draw_numbers_of_their_own(children: Children, database_url: str) -> None:
    """Both were given the same seed before it was taken."""
    drawn = []
    for _ in range(2):
        with started(children, "snap-start", database_url) as api:
            api.frozen()
            api.restore()
            drawn.append(told(api)["random"])

    assert 3 == len({*drawn, random.Random(SEED).random()})


def test_a_snapshot_is_taken_while_the_database_is_away(children: Children) -> None:
    """It is only less well prepared: publishing a version must not hang on it."""
    with started(children, "snap-start", f"postgresql://127.0.0.1:{ports.requested_port(0)}/none") as api:
        api.frozen()


def test_a_provisioned_container_is_connected_before_its_first_call(children: Children, database_url: str) -> None:
    """And the first call finds what was built."""
    with started(children, "provisioned-concurrency", database_url) as api:
        while not (connected := sessions(database_url)):
            time.sleep(0.05)
        first = told(api)

    assert (connected, 1) == ([first["session"]], first["number"])
