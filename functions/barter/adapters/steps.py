"""The tasks of an exchange's life: their kinds, payloads and keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.correlation import current
from kernel.tasks import TaskSpec

SERVICE: Final = "barter"
EVENTS: Final = "barter.exchange_events"
LOOK: Final = "barter.advance_phase"
PROVE: Final = "barter.prove"
POST: Final = "barter.post_trades"
SUBMIT: Final = "barter.submit_barter_transaction"
#: A step that cannot be taken now fails for reasons of the surroundings; a job counts its own failures.
ATTEMPTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class LookStep:
    """The payload of a look at one exchange. number: of the look; only the newest one plans another."""

    address: str
    number: int


@dataclass(frozen=True, slots=True)
class ProveStep:
    """The payload of a proof's work: our job, or the offloaded one (`job_id`) that has ended."""

    proof_id: UUID | None = None
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PostStep:
    """The payload of a posting of trades."""

    proof_id: UUID


def name_of(chain_id: int, address: str) -> str:
    """What the keys of one exchange's obligations begin with, as "barter:1:0x5F…"."""
    return f"{SERVICE}:{chain_id}:{address}"


def look(chain_id: int, address: str, number: int, at: datetime) -> TaskSpec:
    """The task that looks at an exchange from then on."""
    payload = {"address": address, "number": number}
    return _task(LOOK, f"{name_of(chain_id, address)}:look:{number}", payload, at)


def prove(chain_id: int, address: str, proof_id: UUID, wake: int, at: datetime) -> TaskSpec:
    """The task that works on a proof. wake: the number of its asking."""
    key = f"{name_of(chain_id, address)}:{proof_id}:prove:{wake}"
    return _task(PROVE, key, {"proof_id": str(proof_id)}, at)


def post(chain_id: int, address: str, proof_id: UUID, wake: int, at: datetime) -> TaskSpec:
    """The task that posts the trades of a proof."""
    key = f"{name_of(chain_id, address)}:{proof_id}:post:{wake}"
    return _task(POST, key, {"proof_id": str(proof_id)}, at)


def _task(kind: str, key: str, payload: dict[str, object], at: datetime) -> TaskSpec:
    return TaskSpec(
        kind=kind, business_key=key, payload=payload, run_at=at, attempts_max=ATTEMPTS_MAX, correlation_id=current()
    )
