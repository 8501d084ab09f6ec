"""The operator's command that makes an API key."""

import pytest

from infra.local.api_key import main
from kernel.auth import ApiKeys, Role, Tier
from kernel.postgres import Postgres

pytestmark = pytest.mark.integration


def test_the_command_shows_a_key_that_works(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the tier and role that were asked for."""
    status = main(["--database-url", database_url, "--tier", "admin", "--role", "operator", "--label", "a test"])
    key = capsys.readouterr().out.split()[0]
    postgres = Postgres(database_url)
    principal = ApiKeys(postgres).principal(key)
    postgres.close()

    assert (status, principal.tier, principal.role) == (0, Tier.ADMIN, Role.OPERATOR)


def test_without_a_database_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """In words, with a failing status."""
    status = main(["--database-url", "postgresql://127.0.0.1:1/none"])

    assert status == 1
    assert "The database does not answer." in capsys.readouterr().out


def test_on_an_old_schema_the_command_names_the_remedy(
    postgres_server: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pending migration is not something to guess about."""
    from infra.local.postgres import PostgresServer

    assert isinstance(postgres_server, PostgresServer)
    empty = postgres_server.create_database()
    status = main(["--database-url", empty])
    postgres_server.drop_database(empty)

    assert status == 1
    assert "make migrate" in capsys.readouterr().out
