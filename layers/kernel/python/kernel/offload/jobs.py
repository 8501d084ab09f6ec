"""Owns the values of offloading: what is asked for, what is stored of it, and what came back."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kernel.errors import Conflict, Invalid
from kernel.offload.lifecycle import FINAL, State
from kernel.offload.routing import Place, Work
from kernel.tasks import TaskSpec

#: The task that polls, where a service has none of its own.
POLL_KIND: Final = "ops.poll_offload"
# Asking to look again costs no attempt, so this bounds failures only: Modal may be away for hours.
POLLS_MAX: Final = 1_000
#: Of arguments, and of a result; what is larger goes by reference.
JSON_MAX_BYTES: Final = 60_000
#: Of an input, and of an output: more than this no function of the bundle could hold and check.
OBJECT_MAX_BYTES: Final = 512 * 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class JobChanged(Conflict):
    """This business key is already recorded with another job."""

    cause = "The same business key came with another function, other arguments, another input or another follow-up."
    remedy = "Give a different job a different business key."


class ObjectTooLarge(Invalid):
    """The input of a job is larger than what can be checked here."""

    cause = "Whoever checks a result reads its input, in the polling function, whose memory ends."
    remedy = "Split the work into several jobs, each with an input below the bytes in details."
    example = '{"bytes_max": 536870912}'


class JobUnfit(Invalid):
    """The arguments of a job cannot be stored."""

    cause = (
        "They are larger than 60 000 bytes, or hold what JSON or Postgres does not have (NaN, NUL, half a surrogate)."
    )
    remedy = "Keep what is large as the job's input (`Jobs.keep_input`), and numbers as integers or texts."
    example = '{"problem": "is larger than 60000 bytes"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A large value by reference: it lies in the object store, and is what it was only if its SHA-256 is this."""

    key: str
    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One computation that is to be done.

    function: a name of the catalogue (gpu/catalogue.py). arguments: JSON; what is larger than 60 000 bytes is `input`.
    After `valid_until` nobody wants the result. `then_kind`: the task that is asked for with the end, under the same
    business key, with {"job_id"} as its payload. `poll_kind`: who polls, and checks the result.
    """

    business_key: str
    service: str
    function: str
    arguments: Mapping[str, Any]
    work: Work
    input: Stored | None = None
    then_kind: str | None = None
    poll_kind: str = POLL_KIND
    attempts_max: int = 4
    valid_until: datetime | None = None
    correlation_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the table would refuse, with words: JobUnfit."""
        problem = unstorable(self.arguments)
        if problem is not None:
            raise JobUnfit(problem=problem)

    def columns(self) -> dict[str, Any]:
        """What the job alone decides, and what may not change under its business key."""
        return {
            "business_key": self.business_key,
            "service": self.service,
            "function": self.function,
            "arguments": dict(self.arguments),
            "input_sha256": self.input and self.input.sha256,
            "input_bytes": self.input and self.input.size_bytes,
            "poll_kind": self.poll_kind,
            "then_kind": self.then_kind,
        }

    def row(self) -> dict[str, Any]:
        """Everything that is stored of it."""
        return {
            **self.columns(),
            "work": asdict(self.work),
            "attempts_max": self.attempts_max,
            "valid_until": self.valid_until,
            "correlation_id": self.correlation_id,
        }

    def poll_task(self, job_id: UUID, now: datetime) -> TaskSpec:
        """The task that drives the job."""
        return TaskSpec(
            kind=self.poll_kind,
            business_key=self.business_key,
            payload={"job_id": str(job_id)},
            run_at=now,
            attempts_max=POLLS_MAX,
            correlation_id=self.correlation_id,
        )


@dataclass(frozen=True, slots=True)
class PollOffload:
    """The payload of a poll task, and of the task that a job's end asks for."""

    job_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of the function. Without a call id it may have been made or not."""

    attempt: int
    place: Place
    begun_at: datetime
    give_up_at: datetime
    call_id: str | None = None
    hinted_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadJob:
    """A job as stored, with its attempts, oldest first."""

    id: UUID
    business_key: str
    service: str
    function: str
    arguments: Mapping[str, Any]
    input: Stored | None
    work: Work
    poll_kind: str
    then_kind: str | None
    attempts_max: int
    valid_until: datetime | None
    state: State
    attempt: int
    result: Mapping[str, Any] | None
    output: Stored | None
    reason: str | None
    correlation_id: str | None
    recorded_at: datetime
    ended_at: datetime | None
    attempts: tuple[Attempt, ...] = ()

    @property
    def ended(self) -> bool:
        """True in a final state."""
        return self.state in FINAL

    @property
    def latest(self) -> Attempt | None:
        """The newest attempt, the only one that is asked for a result."""
        return self.attempts[-1] if self.attempts else None

    @property
    def tries(self) -> int:
        """How many attempts count: not those of which it is known that no call was made."""
        return sum(one.outcome != "not_made" for one in self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a provider is asked to compute. `output_key` is this attempt's own."""

    job_id: UUID
    attempt: int
    function: str
    arguments: Mapping[str, Any]
    input: Stored | None
    output_key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned: a small result, and its output by reference."""

    result: Mapping[str, Any]
    output: Stored | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The function refuses what it was given, as it would every time."""

    reason: str


@dataclass(frozen=True, slots=True)
class Computed:
    """What a caller's check sees: the result, the octets that came with it, and what it was computed from.

    `input` reads it when it is asked for: not every check needs it.
    """

    function: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]
    output: bytes | None = field(repr=False)
    input: Callable[[], bytes | None] = field(repr=False)


def output_key(job_id: UUID, attempt: int) -> str:
    """Where an attempt puts what it puts out: nobody else writes there."""
    return f"offload/{job_id}/{attempt}"


def answer_of(told: Any, key: str) -> Answer | Refusal | None:
    """What a function told, {"result": {…}, "output": {"sha256", "size_bytes"} | null} or {"refused": "…"}.

    None where it told something else.
    """
    match told:
        case {"refused": str(reason)}:
            return Refusal(reason[:1000])
        case {"result": dict(result), "output": None}:
            return Answer(result)
        case {"result": dict(result), "output": {"sha256": str(sha256), "size_bytes": int(size_bytes)}}:
            if _SHA256.fullmatch(sha256) and 0 <= size_bytes <= OBJECT_MAX_BYTES:
                return Answer(result, Stored(key=key, sha256=bytes.fromhex(sha256), size_bytes=size_bytes))
    return None


def unstorable(value: Mapping[str, Any]) -> str | None:
    """Why this is no JSON object that a row can hold, or None."""
    try:
        octets = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as unfit:
        return f"is no JSON: {type(unfit).__name__}"
    if len(octets) > JSON_MAX_BYTES:
        return f"is larger than {JSON_MAX_BYTES} bytes"
    # A backslash that stands for itself comes in a pair.
    return "holds a NUL" if b"\\u0000" in octets.replace(b"\\\\", b"") else None
