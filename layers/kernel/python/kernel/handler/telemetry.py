"""Owns what a handler tells the outside: structured logs, EMF metrics, traces, and none of it a secret.

An exception's text may quote what a caller sent (a request body, a key), so the formatter writes no exception's text
except of our own errors, whose messages and details are safe by rule. For all others it names the type, what the
vendor offers as a code, and the lines of code it passed through.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from kernel import correlation
from kernel.errors import CounterpartError
from kernel.settings import is_traced

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

NAMESPACE = "Counterpart"
_DEEPEST_CHAIN = 5
Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class SafeFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, with exceptions told by `described` and never by their own text."""

    def formatException(self, ei: Raised) -> str:  # noqa: N802 (the name is the library's)
        return "\n".join(described(ei[1])) if ei[1] is not None else ""


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever sys.stdout is now, so that a test or a runtime may replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stdout

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """Fixed by design."""


SERVICE = "counterpart"
logger = Logger(
    service=SERVICE,
    logger_handler=StdoutHandler(),
    logger_formatter=SafeFormatter(utc=True, use_rfc3339=True, serialize_stacktrace=False),
)
_libraries = StdoutHandler()
_libraries.setFormatter(logger.registered_formatter)  # with the ids of the running handler
_libraries.addFilter(lambda record: record.name != SERVICE)  # our own logger has written it already
_metrics: ContextVar[EphemeralMetrics | None] = ContextVar("metrics", default=None)


def route_library_logs() -> None:
    """Send the records of the standard library's loggers, ours and vendors', through the safe formatter."""
    root = logging.getLogger()
    if _libraries not in root.handlers:
        # Lambda's own root handler would print each record again, with the exception's text.
        root.handlers[:] = [handler for handler in root.handlers if type(handler).__name__ != "LambdaLoggerHandler"]
        root.addHandler(_libraries)
        for name in ("kernel", "functions"):
            logging.getLogger(name).setLevel(logging.INFO)


@contextmanager
def correlated(correlation_id: str) -> Iterator[None]:
    """Log lines and new tasks of the block carry this id; afterwards those of the chain around it do again."""
    around = correlation.current()
    with correlation.carried(correlation_id):
        logger.append_keys(correlation_id=correlation_id)
        try:
            yield
        finally:
            if around is None:
                logger.remove_keys(["correlation_id"])
            else:
                logger.append_keys(correlation_id=around)


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of the running handler; outside of one, nothing."""
    metrics = _metrics.get()
    if metrics is not None:
        metrics.add_metric(name=name, unit=unit, value=value)


@contextmanager
def traced(name: str) -> Iterator[None]:
    """A subsegment of this name in the X-Ray trace; where nobody traces, nothing.

    A failure is told by its type: the SDK would send the text of whatever leaves the subsegment, so nothing does.
    """
    tracer = _tracer()
    if tracer is None:
        yield
        return
    failure: BaseException | None = None
    with tracer.provider.in_subsegment(name=name) as opened:
        subsegment: Any = opened  # Powertools' own description of it lacks the fault flag
        try:
            yield
        except BaseException as raised:
            failure = raised
            subsegment.add_fault_flag()
            subsegment.put_annotation("failure", type(raised).__name__)
    if failure is not None:
        raise failure


@cache
def _tracer() -> "Tracer | None":
    """Powertools' Tracer, whose SDK is imported only where there is somebody to send to."""
    if not is_traced():
        return None
    from aws_lambda_powertools import Tracer

    # Patching every vendor would cost cold start; slices open subsegments where they wait for somebody.
    return Tracer(service=SERVICE, auto_patch=False)


@contextmanager
def measured(handler: str) -> Iterator[None]:
    """Collect the metrics of one invocation and write them out, dimensioned by handler and nothing of the caller's."""
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=handler.partition(".")[0])
    metrics.add_dimension(name="handler", value=handler)
    token = _metrics.set(metrics)
    try:
        count("invocations")
        yield
    finally:
        _metrics.reset(token)
        metrics.flush_metrics()


def described(error: BaseException) -> list[str]:
    """The chain of causes, each with its type, what is safe to say, and the code lines; the first cause last."""
    lines: list[str] = []
    link: BaseException | None = error
    for _ in range(_DEEPEST_CHAIN):
        if link is None:
            break
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}{_reason(link)}")
        lines.extend(
            f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
            for frame in traceback.extract_tb(link.__traceback__)
        )
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return lines


def safe_facts(error: BaseException) -> dict[str, Any]:
    """Code, message and details of one of our errors, for a log line; of another, its type only."""
    if isinstance(error, CounterpartError):
        return {"code": error.code, "error": error.message, "remedy": error.remedy, "details": error.details}
    return {"code": "internal_error", "error": f"{type(error).__qualname__}{_reason(error)}"}


def _reason(error: BaseException) -> str:
    if isinstance(error, CounterpartError):
        return f" [{error.code}] {error.message}"
    # psycopg: the server's first line without the DETAIL, which quotes values; botocore: its code.
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return f" [{primary or code}]" if primary or code else ""
