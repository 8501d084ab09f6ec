"""Answers bodies of JSON-RPC: calls the methods that there are, and says of each failure whose fault it is.

What the caller may not have or did wrong is -32001, with the catalogue's code in `data`; what is away for the moment
is -32002, with the seconds to wait; what is our fault is -32603, and the log has the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.barter.core import json_rpc
from functions.barter.core.json_rpc import Call, Code, Malformed, Refused
from kernel import strict_json
from kernel.errors import CounterpartError, DeadlineExceeded, Rejected, Transient
from kernel.handler.entry import report_failure


@dataclass(frozen=True, slots=True)
class Method:
    """A method by the names of its arguments, all of which it takes."""

    names: tuple[str, ...]
    call: Callable[..., Any]


class Rpc:
    """What JSON-RPC asks, answered."""

    def __init__(self, methods: Mapping[str, Method], admit: Callable[[int], None] = lambda _calls: None) -> None:
        """admit: is told how many calls a body makes besides its first, before any is made; may refuse them."""
        self._methods, self._admit = methods, admit

    def answer(self, body: bytes) -> Any | None:
        """What is answered to a body; None is nothing. Raises what `admit` raises, and DeadlineExceeded."""
        try:
            value = strict_json.read(body)
        except strict_json.NotStrictJson:
            return json_rpc.unreadable()
        asked = json_rpc.asked(value)
        self._admit(len(asked.parts) - 1)
        return asked.reply([self._answered(part) for part in asked.parts])

    def _answered(self, part: Call | Malformed) -> Any | None:
        if isinstance(part, Malformed):
            return json_rpc.error(part, part.why)
        try:
            return json_rpc.result(part, self._done(part))
        except Refused as why:
            return json_rpc.error(part, why)
        except DeadlineExceeded:
            raise
        except Exception as failure:  # one call's failure is its own; the others of a batch are answered
            return json_rpc.error(part, _refusal(failure))

    def _done(self, call: Call) -> Any:
        method = self._methods.get(call.method)
        if method is None:
            raise Refused(Code.METHOD_NOT_FOUND, {"methods": sorted(self._methods)})
        return method.call(**json_rpc.arguments(call, method.names))


def _refusal(failure: Exception) -> Refused:
    """A failure as the caller is told."""
    if isinstance(failure, Rejected):
        details = {"details": failure.details} if failure.details else {}
        told = {"code": failure.code, "remedy": failure.remedy, **details}
        return Refused(Code.REFUSED, told, failure.message)
    report_failure(failure, "told to the caller")
    if isinstance(failure, Transient):
        away = {"code": failure.code, "retry_after_s": failure.retry_after_s}
        return Refused(Code.UNAVAILABLE, away, failure.message)
    return Refused(Code.INTERNAL_ERROR, {"code": failure.code} if isinstance(failure, CounterpartError) else {})
