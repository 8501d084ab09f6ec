"""Owns scheduled handlers: an EventBridge rule fires once a minute, without retries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from kernel.errors import CounterpartError, Transient
from kernel.handler.entry import Container, Entry, UnexpectedFailure, handler_name, report_failure
from kernel.handler.telemetry import correlated
from kernel.ids import accepted_correlation_id

D = TypeVar("D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One firing: the minute it is for (aware UTC, not the moment of delivery) and the rule's name."""

    time: datetime
    name: str


def scheduled(build_deps: Callable[[], D]) -> Callable[[Callable[[Tick, D], None]], Entry[D]]:
    """A handler of an EventBridge schedule.

    With a dependency away for the moment the tick is given up, since the next one makes up for it. Anything else fails
    the invocation, which Lambda counts and alarms.
    """

    def decorate(function: Callable[[Tick, D], None]) -> Entry[D]:
        def act(event: Mapping[str, Any], _context: Any, container: Container[D]) -> dict[str, str]:
            try:
                with correlated(accepted_correlation_id(event.get("id"))):
                    function(tick_of(event), container.deps())
            except Transient as away:
                report_failure(away, "the next tick makes up for it")
                return {"status": "given_up", "code": away.code}
            except CounterpartError as known:
                report_failure(known, "the tick is lost")
                raise
            except Exception as unknown:
                report_failure(unknown, "the tick is lost")
                raise UnexpectedFailure.of(unknown) from None  # Lambda writes down the text of what it is given
            return {"status": "done"}

        return Entry(handler_name(function), Container(build_deps), act)

    return decorate


def tick_of(event: Mapping[str, Any]) -> Tick:
    """The tick in an EventBridge event, whose first resource is the rule's ARN."""
    resources = event.get("resources") or [""]
    return Tick(time=datetime.fromisoformat(event["time"]), name=str(resources[0]).rpartition("/")[2])
