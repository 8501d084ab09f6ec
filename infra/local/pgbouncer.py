"""pgbouncer in transaction mode before a Postgres, as production's poolers are; an optional tool."""

import pwd
from dataclasses import dataclass
from os import geteuid
from pathlib import Path
from shutil import chown
from urllib.parse import urlsplit, urlunsplit

import psycopg

from infra.local import ports, postgres, programs, scratch
from infra.local.children import Child, Children
from infra.local.failures import LocalFailure
from infra.local.postgres import PostgresServer


class PgbouncerMissing(LocalFailure):
    """pgbouncer is absent; get it with: apt-get install -y pgbouncer."""


@dataclass(frozen=True, slots=True, eq=False)
class Pgbouncer:
    """A running pooler."""

    port: int
    child: Child

    def url_of(self, url: str) -> str:
        """The URL of the same database, through the pooler."""
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0] or postgres.LOGIN
        return urlunsplit(parts._replace(netloc=f"{login}@{ports.LOOPBACK}:{self.port}"))


def start(children: Children, server: PostgresServer, *, port: int = 0, name: str = "pgbouncer") -> Pgbouncer:
    """Start a pooler before `server`, on `port` (0: a free one), with few server connections, so they are shared."""
    program = programs.find("pgbouncer")
    if program is None:
        raise PgbouncerMissing(str(PgbouncerMissing.__doc__))
    port = ports.requested_port(port)
    folder = scratch.make("pgbouncer")
    children.after_stop(lambda: scratch.remove(folder))
    # Like Postgres, it refuses to run as root.
    user_id = pwd.getpwnam(postgres.SYSTEM_USER).pw_uid if geteuid() == 0 else None
    options = _write_options(folder, urlsplit(server.admin_url).hostname or ports.LOOPBACK, server.port, port)
    for path in (folder, *folder.iterdir()):
        if user_id is not None:
            chown(path, user_id)
    child = children.start(name, [program, options], cwd=folder, user_id=user_id)
    pooler = Pgbouncer(port, child)
    child.wait_until(lambda: _answers(pooler.url_of(server.admin_url)))
    return pooler


def _write_options(folder: Path, host: str, server_port: int, port: int) -> Path:
    users = folder / "users.txt"
    users.write_text(f'"{postgres.LOGIN}" ""\n')
    options = folder / "pgbouncer.ini"
    options.write_text(
        f"""[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = {ports.LOOPBACK}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
ignore_startup_parameters = extra_float_digits,options
"""
    )
    return options


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
