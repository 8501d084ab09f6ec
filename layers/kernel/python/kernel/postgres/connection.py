"""Owns the container's one connection to Postgres.

It works the same behind a transaction pooler, where two transactions of one client may run on two servers:

* nothing is prepared (`prepare_threshold=None`) and no session state is set: the limits, the time zone and the slice's
  role are SET LOCAL with each BEGIN, in one round trip, and end with the transaction;
* only `pg_advisory_xact_lock` is used, never a session's lock;
* no start-up option is sent that a pooler would refuse.

The connection is opened at the first transaction and again whenever it was lost, grew old or came through a fork.
A BEGIN that fails on a kept connection has done nothing, so it is tried once more on a fresh one, with the lock on the
caller's task that goes along with it; anything later is the caller's to repeat, because only the caller knows whether a
lost COMMIT took effect.
"""

import os
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import JsonbDumper
from pydantic import SecretStr

from kernel.clock import Clock, SystemClock
from kernel.errors import LeaseLost, PendingMigration
from kernel.postgres.failures import CONTENTION, CommitRefused, translated
from kernel.postgres.fence import Fence
from kernel.postgres.schema_version import REQUIRED_MIGRATION
from kernel.postgres.transaction import Glance, Transaction

#: A server that does not answer within this is away: the caller has a deadline of its own to keep.
CONNECT_TIMEOUT_S = 3
#: A statement longer than this holds up others; nothing on the hot path takes a tenth of it.
STATEMENT_TIMEOUT_S = 10.0
#: A holder that froze inside a transaction (a stopped container) gives its row locks back after this.
IDLE_TIMEOUT_S = 20.0
#: A connection is replaced after this, so that a failover behind a DNS name is followed.
CONNECTION_AGE_MAX_S = 600.0

#: Connections that came through a fork belong to the parent, whose session a close would end: they are kept aside.
_INHERITED: list[psycopg.Connection[DictRow]] = []

T = TypeVar("T")
First = tuple[str, Mapping[str, Any]]
_Connection = psycopg.Connection[DictRow]
_Cursor = psycopg.Cursor[DictRow]
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Postgres:
    """The database as one container sees it. Threads take turns: one transaction at a time."""

    def __init__(
        self,
        url: SecretStr | str | Callable[[], SecretStr],
        clock: Clock | None = None,
        *,
        role: str | None = None,
        statement_timeout_s: float = STATEMENT_TIMEOUT_S,
    ) -> None:
        """role: the slice's role that every transaction takes unless told otherwise.

        url: where the database is, or what tells it for each new connection, so that a rotated password is followed.
        """
        self._url = SecretStr(url) if isinstance(url, str) else url
        self._clock = clock or SystemClock()
        self._role = role
        self._limits = (
            f"set local statement_timeout = {int(statement_timeout_s * 1000)}; "
            f"set local idle_in_transaction_session_timeout = {int(IDLE_TIMEOUT_S * 1000)}; "
            "set local time zone 'UTC'"
        )
        self._connection: _Connection | None = None
        self._opened_s = 0.0
        self._process_id = 0
        self._turn = threading.RLock()
        self._busy = False

    @contextmanager
    def transaction(
        self, *, role: str | None = None, holding: Fence | None = None, first: First | None = None
    ) -> Iterator[Transaction]:
        """Everything in the block, or nothing.

        role: taken with SET LOCAL, so that a slice cannot write what another owns.
        holding: the first statement locks that task's row; LeaseLost unless its token is still the newest.
        first: a statement with its values that goes along with the BEGIN; its rows are the transaction's `opened`. With
        `holding` it is made whoever has the task, and undone unless that is the caller.
        Raises DatabaseUnavailable, DatabaseContention; steps registered with after_commit run when the block is left.
        """
        with self._turn:
            if self._busy:
                raise RuntimeError("A transaction is open already; pass it on instead of opening a second one.")
            self._busy = True
            try:
                transaction = yield from self._run(role or self._role, holding, first)
            finally:
                self._busy = False
        transaction.committed()

    @property
    def glance(self) -> Glance:
        """Each statement is a transaction of its own, in one round trip instead of three.

        For what may be done twice, reads above all: one whose connection proves lost is repeated on a fresh one.
        """
        return Glance(self._alone)

    def check_schema(self) -> None:
        """Refuse a database that lags behind the code: PendingMigration with both versions."""
        with self.transaction() as tx:
            known = tx.maybe("select 1 from pg_tables where schemaname = 'public' and tablename = 'schema_migrations'")
            newest = (
                tx.one("select max(version) as version from public.schema_migrations")["version"] if known else None
            )
        if newest is None or newest < REQUIRED_MIGRATION:
            raise PendingMigration(applied=newest, required=REQUIRED_MIGRATION)

    def close(self) -> None:
        """Give the connection back; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._process_id == os.getpid():
            connection.close()
        else:
            _INHERITED.append(connection)

    def __del__(self) -> None:
        """A container that is thrown away says goodbye to the server."""
        with suppress(AttributeError, psycopg.Error):
            self.close()

    def _alone(self, sql: str, params: Mapping[str, Any]) -> _Cursor:
        """Statements sent together are one transaction. The values are in their text: such a text takes no others."""
        text = f"{self._limits}{_set_role(self._role)}; {sql}".encode()

        def ask(connection: _Connection) -> _Cursor:
            return psycopg.ClientCursor(connection).execute(text, params).set_result(-1)

        with self._turn, translated():
            if self._busy:
                raise RuntimeError("A transaction is open already; ask within it.")
            return self._asked(ask)

    def _run(
        self, role: str | None, holding: Fence | None, first: First | None
    ) -> Generator[Transaction, None, Transaction]:
        """Begin, lend the transaction, commit; any way out but the commit undoes it."""
        sql, params = first or (None, None)
        hold = None if holding is None else holding.hold
        begin = "; ".join(filter(None, (f"begin; {self._limits}{_set_role(role)}", hold, sql)))
        with translated():
            begun = self._asked(lambda connection: psycopg.ClientCursor(connection).execute(begin.encode(), params))
            connection = begun.connection
            transaction = Transaction(connection, begun.set_result(-1).fetchall() if sql else ())
            try:
                if holding is not None and not begun.set_result(-2 if sql else -1).rowcount:
                    raise LeaseLost(task_id=str(holding.task_id), token=holding.token)
                yield transaction
                if connection.execute("commit").statusmessage != "COMMIT":
                    raise CommitRefused
            except BaseException:
                self._abandon(connection)
                raise
        return transaction

    def _asked(self, ask: Callable[[_Connection], T]) -> T:
        """The answer to what may be asked twice: on the kept connection, and on a fresh one where that is lost."""
        kept = self._usable()
        if kept is not None:
            try:
                return ask(kept)
            except BaseException as error:
                if not isinstance(error, psycopg.OperationalError) or isinstance(error, CONTENTION):
                    self._abandon(kept)
                    raise
            self.close()
        fresh = self._connect()
        try:
            return ask(fresh)
        except BaseException:
            self._abandon(fresh)  # one refused half-way (an unknown role) leaves a failed transaction behind
            raise

    def _usable(self) -> _Connection | None:
        """The kept connection, unless it is lost, old, or was opened before a fork."""
        connection = self._connection
        if connection is None or connection.closed:
            return None
        if self._process_id == os.getpid() and self._clock.time_s() - self._opened_s <= CONNECTION_AGE_MAX_S:
            return connection
        self.close()
        return None

    def _connect(self) -> _Connection:
        connection: _Connection = psycopg.connect(
            self._present_url().get_secret_value(),
            autocommit=True,  # BEGIN is ours, so that it carries the limits and the role in the same round trip
            prepare_threshold=None,
            row_factory=dict_row,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="counterpart",
            keepalives=1,
            keepalives_idle=15,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
        connection.adapters.register_dumper(dict, JsonbDumper)
        self._connection, self._opened_s, self._process_id = connection, self._clock.time_s(), os.getpid()
        return connection

    def _present_url(self) -> SecretStr:
        return self._url if isinstance(self._url, SecretStr) else self._url()

    def _abandon(self, connection: _Connection) -> None:
        """Undo an open transaction, or drop the connection when even that cannot be asked (a cut-off statement)."""
        with suppress(psycopg.Error):
            if connection.info.transaction_status == TransactionStatus.IDLE:
                return
            if connection.info.transaction_status != TransactionStatus.ACTIVE:
                connection.execute("rollback")
                return
        self.close()


def _set_role(role: str | None) -> str:
    if role is None:
        return ""
    if not _ROLE.fullmatch(role):
        raise ValueError(f"{role!r} is no role's name")
    return f"; set local role {role}"
