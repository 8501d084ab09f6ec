"""Owns the id that one chain of work carries from the request that asked for it through tasks, messages and logs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def current() -> str | None:
    """The id of the work at hand; None outside of a handler."""
    return _current.get()


@contextmanager
def carried(correlation_id: str) -> Iterator[None]:
    """Everything in the block is part of this chain of work."""
    token = _current.set(correlation_id)
    try:
        yield
    finally:
        _current.reset(token)
