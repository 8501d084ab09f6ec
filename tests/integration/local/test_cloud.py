"""The parts of the local cloud stand alone, side by side, and refuse what cannot be."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from infra.local import anvil, aws, postgres, redis, settings
from infra.local.anvil import AnvilNode
from infra.local.children import Children
from infra.local.cloud import LocalCloud, PartNotStarted
from infra.local.pgbouncer import Pgbouncer
from infra.local.ports import PortTaken, free_port, release_port
from infra.local.postgres import MigrationFailed, PostgresServer

pytestmark = pytest.mark.integration


def test_each_database_is_its_own_copy_of_the_migrated_template(postgres_server: PostgresServer) -> None:
    """Two copies have the tables of the migrations, and do not see each other's rows."""
    one, other = postgres_server.create_migrated(), postgres_server.create_migrated()
    execute(one, "CREATE TABLE only_here (id int)")

    assert scalar(one, "SELECT count(*) > 0 FROM schema_migrations") is True
    assert scalar(one, "SELECT to_regclass('only_here') IS NOT NULL") is True
    assert scalar(other, "SELECT to_regclass('only_here') IS NOT NULL") is False


def test_a_database_of_a_test_can_be_dropped_while_in_use(postgres_server: PostgresServer) -> None:
    """Dropping ends whoever is still connected."""
    url = postgres_server.create_database()
    with psycopg.connect(url) as connection:
        postgres_server.drop_database(url)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_postgres_never_runs_as_root(postgres_server: PostgresServer) -> None:
    """Its process belongs to another user where we are root."""
    assert postgres_server.child is not None
    owner = Path("/proc", str(postgres_server.child.pid)).stat().st_uid

    assert owner != 0


def test_a_refused_migration_is_told_in_the_databases_words(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """MigrationFailed quotes the reason."""
    (tmp_path / "20260101000000_bad.sql").write_text("-- migrate:up\nSELECT no_such_column;\n-- migrate:down\n")

    with pytest.raises(MigrationFailed, match="no_such_column"):
        postgres.migrate(postgres_server.create_database(), tmp_path)


def test_postgres_runs_from_a_folder_that_its_user_cannot_enter(children: Children, tmp_path: Path) -> None:
    """A wheel below a private folder, such as /root, serves too, by a copy where its user needs one."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wheel = postgres.wheel()
    hidden = private / wheel.name / postgres.OLDEST
    shutil.copytree(wheel / postgres.OLDEST, hidden)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), private / f"{wheel.name}.libs")
    server = postgres.start(children, name="postgres-from-private", installation=hidden)

    assert str(scalar(server.admin_url, "SHOW server_version")).startswith("16.")
    assert server.child is not None
    children.forget(server.child)


def test_a_pooler_shares_few_connections(pooler: Pgbouncer, pooled_database_url: str) -> None:
    """Twenty clients through pgbouncer use at most four sessions of Postgres."""
    clients = [psycopg.connect(pooled_database_url, autocommit=True, prepare_threshold=None) for _ in range(20)]
    sessions = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients}
    for client in clients:
        client.close()

    assert 1 <= len(sessions) <= 4


@pytest.mark.parametrize("part", [postgres, redis, aws, anvil])
def test_a_port_that_is_taken_is_refused_with_the_remedy(children: Children, part: object) -> None:
    """Whoever asks for a taken port hears which, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .* is taken .* leave the port out"):
            part.start(children, port=port)  # type: ignore[attr-defined]  # each part has one


def test_free_ports_are_never_given_twice() -> None:
    """A port is claimed until its owner's end, even while nobody listens on it."""
    assert len({free_port() for _ in range(50)}) == 50


def test_two_processes_never_get_the_same_port() -> None:
    """A claim of one process is seen by another, and ends with its process."""
    port = free_port()
    program = f"from infra.local import ports; print(ports._claim({port}))"
    command = [sys.executable, "-c", program]
    seen = [subprocess.run(command, cwd=settings.ROOT, capture_output=True, text=True, check=True).stdout.strip()]
    release_port(port)
    seen += [subprocess.run(command, cwd=settings.ROOT, capture_output=True, text=True, check=True).stdout.strip()]

    assert seen == ["False", "True"]


def test_two_clouds_run_side_by_side(tmp_path: Path) -> None:
    """Each has its own Redis, AWS, chain and folder; one's end leaves the other alone."""
    with LocalCloud(("redis", "aws"), folder=tmp_path / "one") as one:
        with LocalCloud(("redis", "aws"), folder=tmp_path / "other") as other:
            chains = [cloud.anvil("chain", chain_id=number) for number, cloud in ((1, one), (2, other))]
            one.redis.command("SET", "whose", "one")
            one.aws.client("sqs").create_queue(QueueName="queue")

            assert other.redis.command("GET", "whose") is None
            assert "QueueUrls" not in other.aws.client("sqs").list_queues()
            assert [int(chain.rpc("eth_chainId"), 16) for chain in chains] == [1, 2]
        with pytest.raises(httpx.TransportError):
            other.redis.command("PING")

        assert one.redis.command("GET", "whose") == "one"
        assert chains[0].block_number() == 0


def test_a_foreign_postgres_is_left_as_it_was_found(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """With DATABASE_URL, databases are made beside those of others and dropped at the end."""
    before = databases(postgres_server)
    with LocalCloud(("postgres",), folder=tmp_path, database_url=postgres_server.admin_url) as cloud:
        cloud.postgres.create_migrated()
        during = databases(postgres_server)

        assert scalar(cloud.database_url, "SELECT count(*) > 0 FROM schema_migrations") is True
        assert cloud.postgres.child is None
    assert len(during) == len(before) + 3
    assert databases(postgres_server) == before


def test_a_part_that_was_not_asked_for_is_named(tmp_path: Path) -> None:
    """Using a part that does not run says which one to ask for."""
    with LocalCloud((), folder=tmp_path) as cloud, pytest.raises(PartNotStarted, match="without redis"):
        _ = cloud.redis


def test_the_environment_of_a_function_has_no_plain_secret(tmp_path: Path) -> None:
    """Secrets are named by reference, and Secrets Manager knows them."""
    with LocalCloud(folder=tmp_path) as cloud:
        environment = cloud.environment()
        name = environment["COUNTERPART_DATABASE_URL"].removeprefix("secretsmanager:")
        stored = cloud.aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]

        assert stored == cloud.database_url
        assert [value for value in environment.values() if cloud.redis.token in value] == []


def test_a_chain_goes_back_to_a_snapshot(anvil: AnvilNode) -> None:
    """Snapshots restore the height."""
    snapshot = anvil.snapshot()
    anvil.mine(5)
    anvil.revert(snapshot)

    assert anvil.block_number() == 0


def test_finality_lags_behind_the_head(anvil: AnvilNode) -> None:
    """`latest`, `safe` and `finalized` differ, so that waiting for finality is tested."""
    anvil.mine(10)
    heights = [
        int(anvil.rpc("eth_getBlockByNumber", tag, False)["number"], 16) for tag in ("latest", "safe", "finalized")
    ]

    assert heights == [10, 9, 8]


def databases(server: PostgresServer) -> set[str]:
    names = scalar(server.admin_url, "SELECT string_agg(datname, ' ') FROM pg_database")
    return set(str(names).split())


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
