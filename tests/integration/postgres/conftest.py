"""The two routes to Postgres: directly, and through pgbouncer in transaction mode."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def any_route_url(database_url: str) -> Iterator[str]:
    yield database_url
