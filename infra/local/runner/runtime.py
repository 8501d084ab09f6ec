"""Inside a container: what AWS Lambda's Python runtime does. One handler, one invocation at a time, until killed."""

from __future__ import annotations

import importlib
import io
import json
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from infra.local.runner import settings, wire


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a container is started with; ``environment`` is its whole environment, ``label`` its name in the log."""

    function_name: str
    label: str
    arn: str
    module: str
    attribute: str
    memory_mb: int
    paths: tuple[str, ...]
    environment: Mapping[str, str]
    log_stream: str


class LambdaContext:
    """The second argument of every handler, with the names that AWS gives them."""

    identity = None
    client_context = None
    function_version = "$LATEST"

    def __init__(self, spec: ContainerSpec, request_id: str, deadline_s: float) -> None:
        self.function_name = spec.function_name
        self.invoked_function_arn = spec.arn
        self.memory_limit_in_mb = str(spec.memory_mb)
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{spec.function_name}"
        self.log_stream_name = spec.log_stream
        self._deadline_s = deadline_s

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the container is killed, never negative."""
        return max(0, int((self._deadline_s - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write a line to the log."""
        sys.stdout.write(f"{message}\n")


class NamedLines(io.TextIOBase):
    """Standard output whose every line starts with the function's name, since one stack's functions share a log."""

    encoding = "utf-8"

    def __init__(self, name: str, below: TextIO) -> None:
        self._prefix, self._below, self._partial = f"[{name}] ", below, ""

    def write(self, text: str) -> int:
        """Pass whole lines on, each in one write, so that lines of two containers never mix."""
        *lines, self._partial = (self._partial + text).split("\n")
        if lines:
            self._below.write("".join(f"{self._prefix}{line}\n" for line in lines))
            self._below.flush()
        return len(text)

    def finish_line(self) -> None:
        """End a line that was left open, before the next invocation begins."""
        if self._partial:
            self.write("\n")

    def fileno(self) -> int:
        """The descriptor below, for faulthandler and child programs."""
        return self._below.fileno()

    def writable(self) -> bool:
        """Always."""
        return True


def serve(conn: socket.socket, spec: ContainerSpec) -> None:
    """Initialise once, then answer invocations from ``conn`` until the runner closes it."""
    settings.replace_environment(spec.environment)
    out = NamedLines(spec.label, sys.__stdout__ or sys.stdout)
    sys.stdout = sys.stderr = out
    started = time.monotonic()
    handler, failure = _initialise(spec)
    wire.send(conn, {"init_ms": (time.monotonic() - started) * 1000})
    while True:
        try:
            call = wire.receive(conn)
        except wire.Closed:
            return
        context = LambdaContext(spec, call["request_id"], call["deadline_s"])
        began_s = time.process_time()
        reply: dict[str, Any] = _invoke(handler, call["event"], context) if handler else {"error": failure}
        out.finish_line()
        reply["cpu_ms"] = (time.process_time() - began_s) * 1000
        # On Linux ru_maxrss is in KiB; pages shared with the fork server count, as Lambda counts the runtime's.
        reply["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        wire.send(conn, reply)


def _initialise(spec: ContainerSpec) -> tuple[Callable[..., Any] | None, dict[str, Any] | None]:
    sys.path[:0] = spec.paths
    try:
        module = importlib.import_module(spec.module)
    except ImportError as error:
        failure = _failure(error)
        failure["errorType"] = "Runtime.ImportModuleError"
        failure["errorMessage"] = f"Unable to import module '{spec.module}': {error}"
        return None, _logged(failure)
    except Exception as error:  # an import may fail in any way, and the caller must be told which
        return None, _logged(_failure(error))
    handler = getattr(module, spec.attribute, None)
    if handler is None:
        message = f"Handler '{spec.attribute}' missing on module '{spec.module}'"
        return None, _logged({"errorType": "Runtime.HandlerNotFound", "errorMessage": message, "stackTrace": []})
    return handler, None


def _invoke(handler: Callable[..., Any], event: Any, context: LambdaContext) -> dict[str, Any]:
    try:
        result = handler(event, context)
    except BaseException as error:  # SystemExit too ends an invocation in Lambda, not the runner
        return {"error": _logged(_failure(error))}
    try:
        json.dumps(result)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {"error": _logged({"errorType": "Runtime.MarshalError", "errorMessage": message, "stackTrace": []})}
    return {"result": result}


def _failure(error: BaseException) -> dict[str, Any]:
    return {
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_exception(error),
    }


def _logged(failure: dict[str, Any]) -> dict[str, Any]:
    sys.stdout.write(f"[ERROR] {failure['errorType']}: {failure['errorMessage']}\n{''.join(failure['stackTrace'])}\n")
    return failure
