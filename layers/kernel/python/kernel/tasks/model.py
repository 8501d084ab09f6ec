"""Owns the words about tasks: what is asked for, what a worker holds, how it ended."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from kernel.postgres.fence import Fence

P = TypeVar("P")

ATTEMPTS_MAX_DEFAULT = 8
#: SQS delays a message by at most this.
DELAY_MAX_S = 900
_KIND = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """Work that is to be done once. Asking for the same kind and business key again changes nothing."""

    #: "<service>.<verb>", the handler functions/<service>/queue_<verb>, as in "oracle.commit".
    kind: str
    #: What the work is about, as in "round-812576": unique within the kind.
    business_key: str
    #: JSON, small; larger things are read from their own table by the business key.
    payload: Mapping[str, Any]
    run_at: datetime
    #: From then on the work is pointless: it is skipped with a record.
    expires_at: datetime | None = None
    attempts_max: int = ATTEMPTS_MAX_DEFAULT
    #: Further messages that many seconds after run_at: insurance where the window is shorter than a lease.
    resend_s: tuple[int, ...] = ()
    correlation_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the table would refuse, with words: ValueError."""
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"a kind is <service>.<verb> in small letters, not {self.kind!r}")
        if not 1 <= len(self.business_key) <= 200 or not self.business_key.isprintable():
            raise ValueError(f"a business key has 1 to 200 printable characters, unlike {self.business_key[:200]!r}")
        if self.run_at.tzinfo is None or (self.expires_at is not None and self.expires_at.tzinfo is None):
            raise ValueError("the times of a task are aware")
        if self.expires_at is not None and self.expires_at <= self.run_at:
            raise ValueError("a task expires after it is due")
        if not 1 <= self.attempts_max <= 1000:
            raise ValueError(f"a task has 1 to 1000 attempts, not {self.attempts_max}")
        if any(not 0 < seconds <= DELAY_MAX_S for seconds in self.resend_s):
            raise ValueError(f"a message is sent again 1 to {DELAY_MAX_S} s after the due time, not {self.resend_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Generic[P]):
    """A claimed task, as its worker sees it."""

    id: UUID
    kind: str
    business_key: str
    payload: P
    #: 1 at the first try. An attempt that only asked to look again is not counted.
    attempt: int
    attempts_max: int
    #: To be handed to the transaction that commits the effect.
    fence: Fence
    run_at: datetime
    expires_at: datetime | None
    correlation_id: str | None


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """Why a worker got nothing; its message can be acknowledged, because the task needs none or has another."""

    reason: str
    is_early: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The effect is committed, or is committed with this."""

    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not yet: look again after so many seconds. It costs no attempt."""

    after_s: float
    reason: str

    def __post_init__(self) -> None:
        """A time in the past would make the task spin."""
        if not self.after_s >= 0:
            raise ValueError(f"a task is looked at again after 0 s or more, not {self.after_s}")


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing to do; kept as a record."""

    reason: str


Outcome = Done | Retry | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What happened under one value of a task's fencing token."""

    fence: int
    attempt: int
    owner: str
    started_at: datetime
    ended_at: datetime | None
    #: None while it runs; else done, retried, skipped, dropped, parked, lost or replayed.
    outcome: str | None
    error_code: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A task as operators and traces see it."""

    id: UUID
    kind: str
    business_key: str
    payload: Mapping[str, Any]
    state: str
    attempt: int
    attempts_max: int
    run_at: datetime
    expires_at: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    correlation_id: str | None
    result: Mapping[str, Any] | None
    error_code: str | None
    error: str | None
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    attempts: tuple[Attempt, ...] = field(default=())
