"""A database that tests take in turns is, to the next of them, one that nobody has used."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from infra.local.postgres import PostgresServer
from tests.databases import SEQUENCES, Databases

pytestmark = pytest.mark.integration

TABLES = "select oid::regclass::text from pg_class where oid >= 16384 and relkind = 'r'"
#: Rows of one's own, one of a table that others refer to; rows of migrations, gone or changed.
USE = """
insert into kernel.nonces values ('used-used', 'test', now());
insert into kernel.ledger_accounts values ('test:used', 'evm:1:wei', true, 1, 1, now());
delete from schema_migrations;
update kernel.audit_head set seq = seq + 7;
select setval(seqrelid, 42) from pg_sequence;
"""


@pytest.fixture
def turns(postgres_server: PostgresServer) -> Iterator[Databases]:
    turns = Databases(postgres_server)
    yield turns
    turns.close()


def contents(url: str) -> object:
    """Every row of every table, and where each sequence stands."""
    with psycopg.connect(url) as database:
        tables = [name for (name,) in database.execute(TABLES)]
        rows = {name: list(database.execute(f"select one::text from {name} one")) for name in sorted(tables)}
        return rows, sorted(database.execute(SEQUENCES))


def run(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(statements)


def test_what_one_test_wrote_no_other_one_reads(turns: Databases) -> None:
    """The same database under another name, with what migrations wrote and nothing else."""
    url = turns.take()
    fresh = contents(url)
    run(url, USE)
    used = contents(url)
    turns.give_back(url)
    files = [turns.take(), turns.take()]

    assert fresh != used
    assert [fresh, fresh] == [contents(file) for file in files]
    assert len({url, *files}) == 3


def test_what_a_template_of_ones_own_has_is_there_again(postgres_server: PostgresServer) -> None:
    """Its tables and its rows, in no other database than before."""
    template = postgres_server.create_migrated()
    run(
        template,
        "create table public.mine (id int generated always as identity); insert into public.mine default values",
    )
    turns = Databases(postgres_server, urlsplit(template).path.lstrip("/"))
    url = turns.take()
    fresh, before = contents(url), databases(postgres_server)
    run(url, USE + "insert into public.mine default values")
    turns.give_back(url)
    again = turns.take()

    assert (fresh, before) == (contents(again), databases(postgres_server))
    turns.close()
    for one in (again, template):
        postgres_server.drop_database(one)


def test_who_was_connected_is_no_longer_and_finds_nobody(turns: Databases) -> None:
    """A thread that outlives its test writes into nobody else's."""
    url = turns.take()
    with psycopg.connect(url) as late:
        turns.give_back(url)
        with pytest.raises(psycopg.OperationalError):
            late.execute("select 1")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


@pytest.mark.parametrize(
    "change",
    [
        "create table public.left (id int)",
        "alter table kernel.nonces add column more int",
        "alter table kernel.nonces drop constraint nonces_purpose_check",
        "alter table kernel.nonces alter column purpose drop not null",
        "create trigger late before insert on kernel.nonces execute function suppress_redundant_updates_trigger()",
        "create function kernel.late() returns int language sql return 1",
        "grant delete on kernel.nonces to counterpart_ops",
        "create schema late",
    ],
)
def test_a_database_of_another_schema_is_given_to_nobody(
    turns: Databases, postgres_server: PostgresServer, change: str
) -> None:
    """It is dropped."""
    url = turns.take()
    run(url, change)
    before = databases(postgres_server)
    turns.give_back(url)

    assert before - 1 == databases(postgres_server)


def databases(server: PostgresServer) -> int:
    with psycopg.connect(server.admin_url) as connection:
        [[count]] = connection.execute("select count(*) from pg_database")
        return int(count)
