"""An exchange as its rows have it: its watch, what it last said, its proof's job and our transactions to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from functions.barter.core import job, watch
from functions.barter.core.watch import Phase, Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWatch:
    """A row of barter.watches. is_ours: an operator has asked for it, so our settler pays."""

    chain_id: int
    address: str
    state: watch.State
    is_ours: bool
    looks: int
    next_look_at: datetime
    reason: str | None
    watched_at: datetime
    moved_at: datetime

    @property
    def row(self) -> dict[str, Any]:
        """What names its row."""
        return {"chain_id": self.chain_id, "address": self.address}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A row of barter.contracts: what an exchange said at one block. verifier: None where it takes no proofs."""

    operator: str
    verifier: str | None
    image_id: bytes
    agents_max: int
    list_max: int
    deposit_fee_wei: int
    phase: Phase
    phase_started_at: datetime
    phase_ends_at: datetime | None
    agents: int
    trade: Trade | None
    block_number: int
    block_hash: bytes
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A row of barter.jobs. journal, seal: of a completed one; error: why the newest attempt came to nothing."""

    id: UUID
    chain_id: int
    address: str
    trade: Trade
    state: job.State
    mode: job.Mode | None
    attempts: int
    wakes: int
    next_attempt_at: datetime | None
    offload_id: UUID | None
    agents: int | None
    journal: bytes | None
    seal: bytes | None
    error: str | None
    created_at: datetime
    begun_at: datetime | None
    completed_at: datetime | None
    moved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A row of barter.calls: a transaction of ours to an exchange."""

    transfer: str
    chain_id: int
    address: str
    purpose: str
    number: int
    phase: Phase
    job_id: UUID | None
    state: str
    reason: str | None
    transaction_hash: bytes | None
    block_number: int | None
    recorded_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContract:
    """Everything that is kept of one exchange. facts: None until it was looked at; job: None where none is owed."""

    watch: StoredWatch
    facts: Facts | None
    job: StoredJob | None
    calls: tuple[StoredCall, ...]


def stored_watch(row: Mapping[str, Any]) -> StoredWatch:
    """The watch of a row."""
    kept = ("chain_id", "address", "is_ours", "looks", "next_look_at", "reason", "watched_at", "moved_at")
    return StoredWatch(state=watch.State(row["state"]), **{name: row[name] for name in kept})


def facts_of(row: Mapping[str, Any]) -> Facts:
    """What a row of barter.contracts says."""
    kept = ("operator", "verifier", "agents_max", "list_max", "agents", "block_number", "seen_at")
    times = ("phase_started_at", "phase_ends_at")
    return Facts(
        image_id=bytes(row["image_id"]),
        deposit_fee_wei=int(row["deposit_fee_wei"]),
        phase=Phase(row["phase"]),
        trade=None if row["trade_block"] is None else Trade(row["trade_block"], bytes(row["trade_hash"])),
        block_hash=bytes(row["block_hash"]),
        **{name: row[name] for name in (*kept, *times)},
    )


def stored_job(row: Mapping[str, Any]) -> StoredJob:
    """The job of a row."""
    kept = ("id", "chain_id", "address", "attempts", "wakes", "next_attempt_at", "offload_id", "agents", "error")
    times = ("created_at", "begun_at", "completed_at", "moved_at")
    return StoredJob(
        trade=Trade(row["trade_block"], bytes(row["trade_hash"])),
        state=job.State(row["state"]),
        mode=None if row["mode"] is None else job.Mode(row["mode"]),
        journal=_octets(row["journal"]),
        seal=_octets(row["seal"]),
        **{name: row[name] for name in (*kept, *times)},
    )


def stored_call(row: Mapping[str, Any]) -> StoredCall:
    """The transaction of a row."""
    kept = ("transfer", "chain_id", "address", "purpose", "number", "job_id", "state", "reason", "block_number")
    times = ("recorded_at", "ended_at")
    return StoredCall(
        phase=Phase(row["phase"]),
        transaction_hash=_octets(row["transaction_hash"]),
        **{name: row[name] for name in (*kept, *times)},
    )


def _octets(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
