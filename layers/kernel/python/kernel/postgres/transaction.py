"""Owns the verbs to run statements, in a transaction with what happens after its commit, or each by itself."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import DictRow

from kernel.errors import DeadlineExceeded
from kernel.postgres.failures import UnexpectedRows

logger = logging.getLogger(__name__)


class Statements(ABC):
    """Something that runs statements. Parameters are named: `%(name)s` in the statement, `name=` in the call."""

    def execute(self, sql: str, /, **params: Any) -> int:
        """Run a statement; the number of rows it touched."""
        return self._run(sql, params).rowcount

    def one(self, sql: str, /, **params: Any) -> DictRow:
        """The only row; UnexpectedRows when there is none or more."""
        rows = self._run(sql, params).fetchmany(2)
        if len(rows) != 1:
            raise UnexpectedRows(found=len(rows), query=sql.split("\n", 1)[0][:100])
        return rows[0]

    def maybe(self, sql: str, /, **params: Any) -> DictRow | None:
        """The first row, or None."""
        return self._run(sql, params).fetchone()

    def all(self, sql: str, /, **params: Any) -> list[DictRow]:
        """Every row."""
        return self._run(sql, params).fetchall()

    @abstractmethod
    def _run(self, sql: str, params: Mapping[str, Any]) -> psycopg.Cursor[DictRow]: ...


class Glance(Statements):
    """Statements that are a transaction of their own each."""

    def __init__(self, alone: Callable[[str, Mapping[str, Any]], psycopg.Cursor[DictRow]]) -> None:
        self._alone = alone

    def _run(self, sql: str, params: Mapping[str, Any]) -> psycopg.Cursor[DictRow]:
        return self._alone(sql, params)


class Transaction(Statements):
    """An open transaction. opened: the rows of the statement that it began with."""

    def __init__(self, connection: psycopg.Connection[DictRow], opened: Sequence[DictRow] = ()) -> None:
        self.opened, self._connection = opened, connection
        self._callbacks: list[Callable[[], None]] = []

    def many(self, sql: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each row of parameters, in one round trip."""
        if len(rows) == 1:  # The driver's pipeline costs one row more than it saves.
            self._run(sql, rows[0])
            return
        with self._connection.cursor() as cursor:
            cursor.executemany(sql.encode(), rows)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run the callback once the commit is certain. Its failure is logged: the commit stands whatever it does."""
        self._callbacks.append(callback)

    def committed(self) -> None:
        """Run what waits for the commit, in order. Called once, by the connection.

        Raises DeadlineExceeded: it rings once, and swallowed here it would let the work run on until it is cut off.
        """
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except DeadlineExceeded:
                raise
            except Exception:
                logger.exception("A step after the commit failed; the commit stands.")

    def _run(self, sql: str, params: Mapping[str, Any]) -> psycopg.Cursor[DictRow]:
        # Bytes, because the driver's type for text is LiteralString and named queries come from files.
        return self._connection.execute(sql.encode(), params)
