"""Owns what every handler has in common: its container, its name, its start-up checks, its telemetry, its deadline."""

import gc
from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar

from kernel.clock import Clock
from kernel.errors import CounterpartError, Transient
from kernel.handler.ahead import start_ahead
from kernel.handler.deadline import deadline_guard
from kernel.handler.telemetry import count, logger, measured, route_library_logs, safe_facts, traced
from kernel.ids import new_id


class UnexpectedFailure(Transient):
    """The handler failed in a way nobody foresaw."""

    cause = "A mistake in the code, or a vendor's error that is not translated."
    remedy = "Read the stack in the log under this correlation id. A task is tried until its attempts are used up."

    @classmethod
    def of(cls, unknown: Exception) -> Self:
        """In place of an exception whose text may quote a caller or a secret: what of it is safe to pass on."""
        failure = cls(type=type(unknown).__qualname__, reason=safe_facts(unknown)["error"])
        failure.__cause__ = unknown
        return failure


class HandlerDeps(Protocol):
    """What every handler's dependencies offer. `check()` is optional and runs once per container."""

    @property
    def clock(self) -> Clock:
        """The present."""
        ...


class TaskHandlerDeps(HandlerDeps, Protocol):
    """Dependencies of a task handler."""

    @property
    def tasks(self) -> Any:
        """A kernel.tasks.Tasks."""
        ...


D = TypeVar("D")


class Container(Generic[D]):
    """The dependencies of one Lambda container: built at the first call, checked once, kept.

    `check()` of the dependencies, where there is one, refuses a start that cannot end well (a pending migration, a
    wrong chain id, an absent KMS key) by raising an error with its remedy. A refused container tries anew each time,
    so that it recovers by itself once the remedy was applied.
    """

    def __init__(self, build: Callable[[], D]) -> None:
        self._build = build
        self._deps: D | None = None
        start_ahead(self._prepare, self._forget)

    def deps(self) -> D:
        """The dependencies. Raises what building or checking them raises."""
        if self._deps is None:
            route_library_logs()
            built = self._build()
            check = getattr(built, "check", None)
            if check is not None:
                check()
            self._deps = built
        return self._deps

    def _prepare(self) -> None:
        try:
            self.deps()
        except Exception as refused:  # building and checking ask the world, which may refuse in any way
            report_failure(refused, "the first call will try again")

    def _forget(self) -> None:
        close = getattr(self._deps, "close", None)
        if close is not None:
            close()
        self._deps = None
        # What was refused is in no list, and says goodbye when it is thrown away.
        gc.collect()

    def replace(self, deps: D) -> None:
        """Use these instead, unchecked: for tests."""
        self._deps = deps


class Entry(Generic[D]):
    """A Lambda entry point: call it with (event, context), or `bind` it to other dependencies first."""

    def __init__(self, name: str, container: Container[D], act: Callable[[Any, Any, Container[D]], Any]) -> None:
        self.name = name
        self._container = container
        self._act = act

    def __call__(self, event: Any, context: Any) -> Any:
        """What the trigger expects as an answer."""
        request_id = getattr(context, "aws_request_id", None) or str(new_id())
        with (
            measured(self.name),
            logger.append_context_keys(handler=self.name, request_id=request_id),
            traced(f"## {self.name}"),
            deadline_guard(context),
        ):
            return self._act(event, context, self._container)

    def bind(self, deps: D) -> "Entry[D]":
        """The same entry with these dependencies, unchecked: for tests."""
        container = Container(lambda: deps)
        container.replace(deps)
        return Entry(self.name, container, self._act)


def handler_name(function: Callable[..., Any]) -> str:
    """ "oracle.queue_commit" of functions/oracle/queue_commit.py."""
    return ".".join(function.__module__.split(".")[-2:])


def report_failure(error: BaseException, outcome: str) -> None:
    """Log and count a failure; the stack only where we are to blame or do not know."""
    fault = error.fault if isinstance(error, CounterpartError) else "ourselves"
    count(f"failed_{fault}")
    if fault != "ourselves":
        logger.warning("The handler ended early: %s.", outcome, extra=safe_facts(error))
    else:
        logger.error("The handler failed: %s.", outcome, extra=safe_facts(error), exc_info=error)
