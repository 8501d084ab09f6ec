"""Owns JSON-RPC 2.0 as values: what a body asks for, which arguments a method takes, and the shape of every answer.

A body is one call or a batch of them. Each call is read for itself: what is wrong with one spoils no other. A call
without an id is a notification: it is done, and nothing is answered to it, not even that it failed. A batch of nothing
but notifications is answered with nothing. An empty batch, or one with more than `BATCH_MAX` calls, is one bad request.

An answer has the id of its call. Where a bad request has no id that can be read, the answer's is null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

VERSION: Final = "2.0"
BATCH_MAX: Final = 20

Json = Any
Id = str | int | float | None


class Code(IntEnum):
    """What is wrong, as the specification numbers it; from -32000 on as this API does."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    REFUSED = -32001
    UNAVAILABLE = -32002


MESSAGES: Final[Mapping[Code, str]] = {
    Code.PARSE_ERROR: "Parse error",
    Code.INVALID_REQUEST: "Invalid Request",
    Code.METHOD_NOT_FOUND: "Method not found",
    Code.INVALID_PARAMS: "Invalid params",
    Code.INTERNAL_ERROR: "Internal error",
}


class Refused(Exception):
    """A call is answered with an error."""

    def __init__(self, code: Code, data: Mapping[str, Json], message: str | None = None) -> None:
        self.code, self.message, self.data = code, message or MESSAGES[code], data
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that can be tried."""

    method: str
    params: Sequence[Json] | Mapping[str, Json]
    id: Id
    is_notification: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something in place of a call, and what is answered to it."""

    id: Id
    why: Refused


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for, in its order."""

    parts: tuple[Call | Malformed, ...]
    is_batch: bool

    def reply(self, answers: Sequence[Json | None]) -> Json | None:
        """The body that answers, of an answer for each part; None where nothing is answered."""
        told = [answer for answer in answers if answer is not None]
        if self.is_batch:
            return told or None
        return next(iter(told), None)


def asked(body: Json) -> Asked:
    """What a body asks for."""
    if not isinstance(body, list):
        return Asked((_part(body),), is_batch=False)
    if not 1 <= len(body) <= BATCH_MAX:
        why = Refused(Code.INVALID_REQUEST, {"calls": len(body), "calls_max": BATCH_MAX})
        return Asked((Malformed(None, why),), is_batch=False)
    return Asked(tuple(map(_part, body)), is_batch=True)


def arguments(call: Call, names: Sequence[str]) -> dict[str, Json]:
    """The arguments of a method that takes all of `names`, given by place or by name. Raises Refused."""
    given = call.params if isinstance(call.params, Mapping) else dict(zip(names, call.params, strict=False))
    if len(call.params) != len(names) or set(given) != set(names):
        raise Refused(Code.INVALID_PARAMS, {"takes": list(names)})
    return dict(given)


def result(part: Call, value: Json) -> Json | None:
    """The answer to a call that was done; None to a notification."""
    return None if part.is_notification else {"jsonrpc": VERSION, "result": value, "id": part.id}


def error(part: Call | Malformed, why: Refused) -> Json | None:
    """The answer to what was not done; None to a notification."""
    return None if isinstance(part, Call) and part.is_notification else _error(part.id, why)


def unreadable() -> Json:
    """The answer to a body that is no JSON."""
    return _error(None, Refused(Code.PARSE_ERROR, {}))


def _part(value: Json) -> Call | Malformed:
    if not isinstance(value, dict):
        return _malformed(None, "a call is an object")
    given = value.get("id")
    if not _is_id(given):
        return _malformed(None, "id is a text, a number or null")
    method, params = value.get("method"), value.get("params", [])
    if value.get("jsonrpc") != VERSION:
        return _malformed(given, f'jsonrpc is "{VERSION}"')
    if not isinstance(method, str):
        return _malformed(given, "method is a text")
    if not isinstance(params, list | dict):
        return _malformed(given, "params is an array or an object")
    return Call(method, params, given, is_notification="id" not in value)


def _malformed(id_of_call: Id, problem: str) -> Malformed:
    return Malformed(id_of_call, Refused(Code.INVALID_REQUEST, {"problem": problem}))


def _is_id(value: Json) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _error(id_of_call: Id, why: Refused) -> Json:
    told: dict[str, Json] = {"code": int(why.code), "message": why.message}
    if why.data:
        told["data"] = dict(why.data)
    return {"jsonrpc": VERSION, "error": told, "id": id_of_call}
