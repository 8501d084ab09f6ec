"""Owns what failures mean: whose fault one is, what it is called, what it answers and what to do about it.

Who is at fault is the class: the caller (`Rejected`), the surroundings (`Transient`) or ourselves (`Broken`).
The decorators of `kernel.handler` turn the class into a policy, so that no handler needs a try:

    Rejected    HTTP 4xx;  a task is dropped with a record
    Transient   HTTP 503 with Retry-After;  a task is rescheduled
    Broken      HTTP 500;  a task is parked and alarmed

A subclass is one sentence (its docstring is its message) and, for the catalogue, a cause, a remedy and, where it has
details, an example of them as JSON.
Its code is the class name in snake case unless given.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

Detail = str | int | bool | list[dict[str, str]] | None
Fault = Literal["caller", "surroundings", "ourselves"]


class CounterpartError(Exception):
    """Counterpart could not do what was asked."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    fault: ClassVar[Fault] = "ourselves"
    cause: ClassVar[str] = ""
    remedy: ClassVar[str] = ""
    example: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str | None = None, **details: Detail) -> None:
        self.message = message or sentence(type(self))
        self.details: dict[str, Detail] = details
        super().__init__(self.message)

    def __str__(self) -> str:
        """The message and, because a failure says what to do, the remedy."""
        return f"{self.message} {self.remedy}".strip()


class Rejected(CounterpartError):
    """The request is refused."""

    status = 400
    fault = "caller"


class Transient(CounterpartError):
    """A dependency is away for the moment."""

    status = 503
    fault = "surroundings"
    #: Seconds before which asking again is useless. A subclass or an instance that knows better says so; a task heeds
    #: what is longer than this usual pause.
    retry_after_s: float = 5.0
    remedy = "Try again after the time in Retry-After."


class Broken(CounterpartError):
    """Something that must hold does not hold."""

    status = 500
    fault = "ourselves"


class Invalid(Rejected):
    """The request does not have the documented form."""

    code = "invalid_request"
    cause = "A field is missing, has the wrong type, or is outside its bounds."
    remedy = "Correct the fields named in details: each says what is wrong with it."
    example = '{"fields": [{"field": "body.feeds.0.price", "problem": "Input should be greater than 0"}]}'


class Unauthorized(Rejected):
    """No valid credential came with the request."""

    status = 401
    cause = "The API key or token is missing, unknown, expired or revoked."
    remedy = "Send a current key in X-Api-Key, or a fresh token in Authorization: Bearer."


class Forbidden(Rejected):
    """The credential does not allow this."""

    status = 403
    cause = "The key's tier or the person's role is not among those that may do this."
    remedy = "Ask an administrator for the role named in details."


class NotFound(Rejected):
    """There is no such thing here."""

    status = 404
    cause = "The path or the identifier is unknown."
    remedy = "Check the spelling of the path, and the identifier against the list it came from."


class MethodNotAllowed(Rejected):
    """The path does not know this method."""

    status = 405
    cause = "The path exists, with other methods."
    remedy = "Use one of the methods in the Allow header."


class Conflict(Rejected):
    """The state of the thing does not allow this now."""

    status = 409
    cause = "Another request or a worker changed it first."
    remedy = "Read it again and decide anew."


class TooLarge(Rejected):
    """The body is larger than this path takes."""

    code = "body_too_large"
    status = 413
    cause = "The body exceeds the number of bytes named in details."
    remedy = "Split the request."


class RateLimited(Rejected):
    """Too many requests in this minute."""

    status = 429
    cause = "The identity has used up its requests of the sliding minute, or of the second where the path counts those."
    remedy = "Wait for the time in Retry-After, or use a key of a higher tier."
    retry_after_s: ClassVar[float] = 1.0


class RateLimitUnavailable(Transient):
    """Requests cannot be counted at the moment, so nothing that writes is accepted."""

    cause = "Redis does not answer."


class DatabaseUnavailable(Transient):
    """The database does not answer."""

    cause = "Postgres refused or lost the connection."


class CacheUnavailable(Transient):
    """The cache does not answer."""

    cause = "Redis refused the request or timed out."


class SecretsUnavailable(Transient):
    """The secret store does not answer."""

    cause = "Secrets Manager or SSM refused the request or timed out."


class LeaseLost(Transient):
    """The task belongs to another worker now."""

    cause = "The lease ran out and the task was claimed again under a newer fencing token."
    remedy = "Nothing: the newer worker finishes the task."


class DeadlineExceeded(Transient):
    """The function's time was nearly used up, so the work was stopped before it could be cut off."""

    cause = "A dependency was slow, or the batch too large for the function's timeout."
    remedy = "The work is tried again; raise the function's timeout if this repeats."


class PendingMigration(Broken):
    """The database is older than the code."""

    cause = "A migration that this code needs has not been applied."
    remedy = "Run `make migrate` (dbmate up over the direct URL) before deploying."


class WrongChain(Broken):
    """The RPC endpoints belong to another chain."""

    cause = "eth_chainId differs from the configured chain id at every endpoint."
    remedy = "Correct the RPC URLs or the chain id in the settings."


class KeyUnavailable(Broken):
    """The KMS key cannot be used."""

    cause = "The key named by COUNTERPART_KMS_KEY_ID is absent, disabled or not permitted."
    remedy = "Create or enable the key, allow kms:GenerateDataKey and kms:Decrypt, and set COUNTERPART_KMS_KEY_ID."


class SecretAbsent(Broken):
    """A secret that the settings refer to does not exist."""

    cause = "The reference names a secret that is absent or that this role may not read."
    remedy = "Create the secret, or correct the reference in the settings."


class SettingsInvalid(Broken):
    """The settings are incomplete or wrong."""

    cause = "An environment variable is missing or does not parse."
    remedy = "Set the variables named in details."


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEntry:
    """One row of the error catalogue; the example is a whole answer of the API."""

    code: str
    status: int
    fault: Fault
    message: str
    cause: str
    remedy: str
    example: str


def sentence(error: type[BaseException]) -> str:
    """The first line of the class docstring: what the error says unless told otherwise."""
    return (error.__doc__ or error.__name__).strip().splitlines()[0]


def catalogue() -> list[ErrorEntry]:
    """Every error that is defined so far (its module must be imported), by code; a code appears once."""
    entries = {error.code: _entry(error) for error in _descendants(CounterpartError)}
    return [entries[code] for code in sorted(entries)]


def _descendants(error: type[CounterpartError]) -> Iterator[type[CounterpartError]]:
    for child in error.__subclasses__():
        yield from _descendants(child)
        yield child


def _entry(error: type[CounterpartError]) -> ErrorEntry:
    return ErrorEntry(
        code=error.code,
        status=error.status,
        fault=error.fault,
        message=sentence(error),
        cause=error.cause,
        remedy=error.remedy,
        example=_answer(error),
    )


def _answer(error: type[CounterpartError]) -> str:
    # An inherited example shows the details of another error.
    details = json.loads(error.__dict__.get("example") or "{}")
    body = {"code": error.code, "message": sentence(error), "details": details, "request_id": "6468495a2cd0b44="}
    return json.dumps({"error": body})
