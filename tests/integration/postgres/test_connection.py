"""The connection when Postgres goes away, comes back, ends a session, or the process forks."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from infra.local import postgres as postgres_part
from infra.local.children import Child, Children
from infra.local.postgres import PostgresServer
from kernel.errors import DatabaseUnavailable, DeadlineExceeded, PendingMigration
from kernel.postgres import Postgres
from kernel.postgres.connection import CONNECTION_AGE_MAX_S
from kernel.postgres.schema_version import REQUIRED_MIGRATION
from kernel.testing import FakeClock

pytestmark = pytest.mark.integration


def session(database: Postgres) -> int:
    """The server process that serves this connection."""
    with database.transaction() as tx:
        return int(tx.one("select pg_backend_pid() as pid")["pid"])


@pytest.fixture
def own_server(children: Children) -> Iterator[PostgresServer]:
    """A server that this test may take down."""
    server = postgres_part.start(children, name="postgres-mortal")
    yield server
    assert server.child is not None
    children.forget(server.child)


@pytest.fixture
def restart(children: Children, own_server: PostgresServer) -> Iterator[Callable[[], Child]]:
    """Start the stopped server again on its own files and port."""
    started: list[Child] = []

    def start() -> Child:
        assert own_server.child is not None
        command = own_server.child.popen.args
        assert isinstance(command, list)
        # The command names the program that attaches a child to its parent; what follows "--" is Postgres itself.
        started.append(
            children.start(
                "postgres-again", command[command.index("--") + 1 :], user_id=int(command[command.index("--") - 1])
            )
        )
        return started[-1]

    yield start
    for child in started:
        child.popen.send_signal(signal.SIGINT)
        children.forget(child)


def test_a_server_that_restarts_is_found_again(own_server: PostgresServer, restart: Callable[[], Child]) -> None:
    """Down: every call answers DatabaseUnavailable at once. Up again: the next call works, with no help."""
    database = Postgres(own_server.admin_url)
    assert session(database) > 0
    assert own_server.child is not None

    own_server.child.stop()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            session(database)
        assert time.monotonic() - began < 2

    again = restart()
    again.wait_until(lambda: postgres_part._answers(own_server.admin_url))

    assert session(database) > 0


def test_a_server_lost_inside_a_transaction_is_unavailable(database_url: str) -> None:
    """What was begun is undone by the server; the caller learns that it may try again."""
    database = Postgres(database_url)
    with database.transaction() as tx:
        tx.execute("create table public.notes (id int)")

    with pytest.raises(DatabaseUnavailable), database.transaction() as tx:
        tx.execute("insert into public.notes values (1)")
        _end_session(database_url, tx.one("select pg_backend_pid() as pid")["pid"])
        tx.execute("insert into public.notes values (2)")

    with database.transaction() as tx:
        assert tx.all("select id from public.notes") == []


def test_a_session_ended_while_idle_is_replaced_unnoticed(database_url: str) -> None:
    """A BEGIN on a dead connection has done nothing, so it is tried once more on a fresh one."""
    database = Postgres(database_url)
    first = session(database)
    _end_session(database_url, first)

    assert session(database) != first


def test_a_glance_on_an_ended_session_is_made_on_another(database_url: str) -> None:
    """It may be made twice, whether or not the first was."""
    database = Postgres(database_url)
    first = session(database)
    _end_session(database_url, first)

    assert database.glance.one("select pg_backend_pid() as pid")["pid"] != first


def test_a_rotated_secret_is_followed(database_url: str) -> None:
    """Each new connection asks where the database is, so a warm container outlives a change of the password."""
    told = ["postgresql://counterpart:stale@127.0.0.1:1/postgres"]
    database = Postgres(lambda: SecretStr(told[-1]))
    with pytest.raises(DatabaseUnavailable):
        session(database)
    told.append(database_url)

    assert session(database) > 0


def test_a_holder_that_froze_is_cut_off(route_url: str) -> None:
    """A stopped container cannot keep its row locks: the server ends its transaction; it learns so on waking."""
    database = Postgres(route_url)
    with pytest.raises(DatabaseUnavailable), database.transaction() as tx:
        tx.execute("set local idle_in_transaction_session_timeout = 50")
        time.sleep(0.3)
        tx.execute("select 1")

    assert session(database) > 0


def test_the_deadline_guard_stops_a_statement(route_url: str) -> None:
    """An alarm in the middle of a statement gets through, and the next transaction has a connection that works."""
    database = Postgres(route_url)

    def stop(_signal: int, _frame: object) -> None:
        raise DeadlineExceeded

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded), database.transaction() as tx:
        tx.execute("select pg_sleep(15)")
    signal.signal(signal.SIGALRM, before)

    assert time.monotonic() - began < 12
    assert session(database) > 0


def test_an_old_connection_is_replaced(database_url: str) -> None:
    """So a failover behind a DNS name is followed within minutes."""
    clock = FakeClock()
    database = Postgres(database_url, clock)
    first = session(database)
    clock.advance(CONNECTION_AGE_MAX_S)
    kept = session(database)
    clock.advance(1)

    assert first == kept
    assert session(database) != first


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_fork_gets_a_connection_of_its_own(database_url: str) -> None:
    """The child neither speaks on the parent's connection nor ends its session."""
    database = Postgres(database_url)
    parents = session(database)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(session(database)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    childs = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)

    assert childs != parents
    assert session(database) == parents


def test_a_wrong_address_is_unavailable(database_url: str) -> None:
    """A port where nobody listens, and a database that does not exist."""
    for url in ("postgresql://counterpart@127.0.0.1:1/postgres", database_url + "_absent"):
        with pytest.raises(DatabaseUnavailable):
            session(Postgres(url))


def test_the_password_is_in_no_message() -> None:
    """Neither the error nor the object shows the URL's secret."""
    database = Postgres("postgresql://counterpart:hunter2@127.0.0.1:1/postgres")
    with pytest.raises(DatabaseUnavailable) as caught:
        session(database)

    shown = repr(database) + repr(vars(database)) + str(caught.value) + repr(caught.value.details)
    assert "hunter2" not in shown


def test_a_current_schema_is_accepted(route_url: str) -> None:
    """Every migration is applied: nothing happens, also under a slice's role."""
    Postgres(route_url).check_schema()
    Postgres(route_url, role="counterpart_oracle").check_schema()


def test_a_pending_migration_is_refused_with_the_remedy(database_url: str) -> None:
    """Code does not start on a schema that lacks what it needs."""
    database = Postgres(database_url)
    with database.transaction() as tx:
        tx.execute("delete from public.schema_migrations where version = %(version)s", version=REQUIRED_MIGRATION)

    with pytest.raises(PendingMigration) as caught:
        database.check_schema()

    assert caught.value.details["required"] == REQUIRED_MIGRATION
    assert "make migrate" in str(caught.value)


def test_an_empty_database_is_refused_with_the_remedy(postgres_server: PostgresServer) -> None:
    """A database that was never migrated says so, instead of complaining about a missing table."""
    url = postgres_server.create_database()

    with pytest.raises(PendingMigration, match="make migrate") as caught:
        Postgres(url).check_schema()

    postgres_server.drop_database(url)
    assert caught.value.details["applied"] is None


def _end_session(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [pid])
