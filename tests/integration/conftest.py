"""The two routes to Postgres that every integration test of the database takes: directly, and through a pooler."""

import pytest


@pytest.fixture(params=["direct", "pooled"])
def route_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database, reached directly or through pgbouncer in transaction mode."""
    fixture = {"direct": "database_url", "pooled": "pooled_database_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url
