"""Owns one database transaction: the verbs to run statements, and what happens after the commit."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import DictRow

from kernel.errors import DeadlineExceeded, LeaseLost
from kernel.postgres.failures import UnexpectedRows
from kernel.postgres.fence import HOLD, Fence

logger = logging.getLogger(__name__)


class Transaction:
    """An open transaction. Parameters are named: `%(name)s` in the statement, `name=` in the call."""

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection
        self._callbacks: list[Callable[[], None]] = []

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

    def many(self, sql: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each row of parameters, in one round trip."""
        with self._connection.cursor() as cursor:
            cursor.executemany(sql.encode(), rows)

    def hold(self, fence: Fence) -> None:
        """Lock the task until the end of this transaction; LeaseLost when another worker has it by now."""
        if self.maybe(HOLD, task_id=fence.task_id, token=fence.token) is None:
            raise LeaseLost(task_id=str(fence.task_id), token=fence.token)

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
