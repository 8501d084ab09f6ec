"""Databases that tests take in turns: each is put back to what its migrations left, which costs a fifth of a copy.

What a test wrote is emptied, what migrations had written is written again, sequences begin anew. A database whose
schema is another than before is dropped instead.
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from infra.local.postgres import PostgresServer

#: Emptying a table moves its files, and says so in pg_class; any other change of these is one of the schema.
SCHEMA = """
select array[
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_attribute where attrelid >= 16384),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_proc where oid >= 16384),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_constraint),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_trigger),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_namespace),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_policy),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_rewrite),
    (select count(*) + count(*) filter (where age(xmin) <= newest) from pg_type where oid >= 16384),
    (select sum(hashtext(concat(oid, relname, relacl, reloptions))) from pg_class where oid >= 16384),
    (select count(*) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
     where d.datname = current_database())
] as schema
from (select age(%(newest)s::xid) as newest)
"""
#: By its file's size: to open a table only in order to ask for it takes longer.
WRITTEN = """
select oid::regclass::text as name from pg_class
where oid >= 16384 and relkind = 'r' and (pg_stat_file(pg_relation_filepath(oid))).size > 0
"""
NEWEST = "select pg_snapshot_xmin(pg_current_snapshot())::xid"
SEQUENCES = """
select seqrelid::regclass::text as name, pg_sequence_last_value(seqrelid) as last, seqstart as first from pg_sequence
"""
REFERENCES = """
select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint where contype = 'f'
"""
SESSIONS_END = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s"


@dataclass(frozen=True)
class Original:
    """A database as its migrations left it."""

    #: the number of the last transaction before
    newest: str
    schema: list[int]
    #: table -> its rows, of those that have any
    rows: Mapping[str, str]
    #: sequence -> (the last value, None before the first one; the first value)
    sequences: Mapping[str, tuple[int | None, int]]
    #: table -> those that refer to it
    children: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, database: psycopg.Connection[Any]) -> Self:
        """Of a database that nobody has used."""
        children: dict[str, set[str]] = {}
        for child, parent in database.execute(REFERENCES):
            children.setdefault(parent, set()).add(child)
        written = [name for (name,) in database.execute(WRITTEN)]
        [[newest]] = database.execute(NEWEST)
        return cls(
            newest,
            _schema(database, newest),
            {name: _rows(database, name) for name in written},
            _sequences(database),
            {parent: frozenset(those) for parent, those in children.items()},
        )

    def restore(self, database: psycopg.Connection[Any]) -> bool:
        """Make a used database this one again; whether its schema allows it."""
        if _schema(database, self.newest) != self.schema:
            return False
        written = {name for (name,) in database.execute(WRITTEN)}
        touched = {name for name in written | set(self.rows) if _is_touched(database, name, self.rows.get(name))}
        self._empty(database, self._with_children(touched))
        for name, (last, first) in _sequences(database).items():
            if (last, first) != self.sequences[name]:
                value = self.sequences[name][0]
                database.execute("select setval(%s, %s, %s)", [name, value or first, value is not None])
        return True

    def _with_children(self, tables: set[str]) -> set[str]:
        """Postgres empties a table with all that refer to it, or not at all."""
        found, todo = set(tables), list(tables)
        while todo:
            new = self.children.get(todo.pop(), frozenset()) - found
            found |= new
            todo += new
        return found

    def _empty(self, database: psycopg.Connection[Any], tables: set[str]) -> None:
        if not tables:
            return
        database.execute("set session_replication_role = replica")  # no trigger refuses, none writes
        database.execute("truncate " + ", ".join(sorted(tables)))
        for name in sorted(tables & set(self.rows)):
            with database.cursor() as cursor, cursor.copy(f"copy {name} from stdin") as copy:
                copy.write(self.rows[name])


class Databases:
    """Databases of one server, migrated or as a template has them."""

    def __init__(self, server: PostgresServer, template: str | None = None) -> None:
        self._server = server
        self._template = template
        self._admin = psycopg.connect(server.admin_url, autocommit=True)
        self._free: list[str] = []
        self._original: Original | None = None

    def take(self) -> str:
        """The URL of one that is nobody else's."""
        if self._free:
            return self._free.pop()
        url = self._server.create_database(template=self._template or self._server.template)
        if self._original is None:
            with psycopg.connect(url) as database:
                self._original = Original.read(database)
        return url

    def give_back(self, url: str) -> None:
        """End whoever is still connected; whoever comes later finds nobody of that name."""
        name = f"db_{uuid.uuid4().hex[:12]}"
        with suppress(psycopg.Error):
            self._rename(urlsplit(url).path.lstrip("/"), name)
            url = self._server.url_of(name)
            with psycopg.connect(url) as database:
                restored = self._original is not None and self._original.restore(database)
            if restored:
                self._free.append(url)
                return
        self._server.drop_database(url)

    def close(self) -> None:
        """Drop those that nobody has."""
        self._admin.close()
        while self._free:
            self._server.drop_database(self._free.pop())

    def _rename(self, old: str, new: str) -> None:
        self._admin.execute(SESSIONS_END, [old])
        self._admin.execute(sql.SQL("alter database {} rename to {}").format(*map(sql.Identifier, (old, new))))


def _schema(database: psycopg.Connection[Any], newest: str) -> list[int]:
    [[schema]] = database.execute(SCHEMA, {"newest": newest})
    return list(schema)


def _sequences(database: psycopg.Connection[Any]) -> dict[str, tuple[int | None, int]]:
    return {name: (last, first) for name, last, first in database.execute(SEQUENCES)}


def _is_touched(database: psycopg.Connection[Any], table: str, rows: str | None) -> bool:
    return rows is None or _rows(database, table) != rows


def _rows(database: psycopg.Connection[Any], table: str) -> str:
    with database.cursor() as cursor, cursor.copy(f"copy {table} to stdout") as copy:
        return b"".join(bytes(part) for part in copy).decode()
