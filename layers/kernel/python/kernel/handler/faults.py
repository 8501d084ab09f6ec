"""Owns how a failure looks to a caller over HTTP: {error: {code, message, details, request_id}} and its headers.

Only a caller's own fault is told with details. What is wrong with us or our surroundings is told by code and by the
class's sentence; the rest is in the log under the request id.
"""

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kernel.errors import CounterpartError, RateLimited, Rejected, Transient, sentence


class ErrorBody(BaseModel):
    """What went wrong, in the words of the error catalogue."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(examples=["invalid_request"])
    message: str
    details: dict[str, Any]
    request_id: str


class ErrorEnvelope(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(extra="forbid")

    error: ErrorBody


def envelope(error: BaseException, request_id: str) -> dict[str, Any]:
    """The body that tells `error`."""
    code, message, details = CounterpartError.code, sentence(CounterpartError), {}
    if isinstance(error, Rejected):
        code, message, details = error.code, error.message, dict(error.details)
    elif isinstance(error, CounterpartError):
        code, message = error.code, sentence(type(error))
    return {"error": {"code": code, "message": message, "details": details, "request_id": request_id}}


def fault_headers(error: BaseException) -> dict[str, str]:
    """Retry-After in whole seconds where waiting helps; the way to authenticate where that is missing."""
    if isinstance(error, RateLimited):
        reset_ms = error.details.get("reset_ms")
        wait_s = reset_ms / 1000 if isinstance(reset_ms, int) else error.retry_after_s
        return {"retry-after": str(max(1, math.ceil(wait_s)))}
    if isinstance(error, Transient):
        return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
    if isinstance(error, CounterpartError) and error.status == 401:
        return {"www-authenticate": 'Bearer realm="counterpart"'}
    return {}
