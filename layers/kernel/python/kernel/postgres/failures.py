"""Owns what the driver's failures mean to us: away for the moment, in each other's way, or our mistake."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as postgres_errors

from kernel.errors import Broken, DatabaseUnavailable, Transient


class DatabaseContention(Transient):
    """The transaction stood in another's way and was undone."""

    cause = "A deadlock, a serialisation failure, or a lock or statement that took longer than its limit."
    remedy = "The work is tried again; a lasting case needs a look at the slow statement in the log."
    retry_after_s = 1.0


class UnexpectedRows(Broken):
    """A query that must find exactly one row found another number."""

    cause = "A row the code relies on is absent, or a key is less unique than the code believes."
    remedy = "Compare the query with the table; use `maybe` where no row is a legitimate answer."


class CommitRefused(Broken):
    """The transaction had already failed, so its commit undid it."""

    cause = "An error of a statement was swallowed inside the transaction."
    remedy = "Let errors leave the transaction's block."


#: These are OperationalErrors to the driver, but the server is well.
CONTENTION = (
    postgres_errors.SerializationFailure,
    postgres_errors.DeadlockDetected,
    postgres_errors.LockNotAvailable,
    postgres_errors.QueryCanceled,
)
#: The connection is gone, or will not open; a transaction that idled past its limit counts, though the driver calls it
#: an internal error.
_LOST = (psycopg.OperationalError, psycopg.InterfaceError, postgres_errors.IdleInTransactionSessionTimeout)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the driver's failures as ours; a mistake of ours (syntax, constraint, privilege) passes unchanged."""
    try:
        yield
    except CONTENTION as error:
        raise DatabaseContention(reason=_reason(error)) from error
    except _LOST as error:
        raise DatabaseUnavailable(reason=_reason(error)) from error


def _reason(error: psycopg.Error) -> str:
    """The driver's first line, without the connection string's secrets (libpq never repeats the password)."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
