"""Owns the documents of exchanges. Addresses carry their checksum; amounts are text; items are agents by index."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from functions.barter.adapters.stored import Facts, StoredCall, StoredContract, StoredJob
from functions.barter.core.journal import allocation_of
from functions.barter.core.watch import Phase, State
from kernel.handler.http import Document

ADDRESS: Final = r"^0x[0-9a-fA-F]{40}$"
CURSOR: Final = r"^[0-9]{1,17}\.0x[0-9a-fA-F]{40}$"
PhaseName = Literal["deposit", "rank", "trade", "withdraw", "cleanup"]
JobState = Literal["created", "in_progress", "completed", "errored"]
_MILLISECOND: Final = timedelta(milliseconds=1)
_PHASES: Final[Mapping[Phase, PhaseName]] = {
    Phase.DEPOSIT: "deposit",
    Phase.RANK: "rank",
    Phase.TRADE: "trade",
    Phase.WITHDRAW: "withdraw",
    Phase.CLEANUP: "cleanup",
}


class WatchView(Document):
    """A watch as it stands. `reason`: why nothing was seen at the last look, where that is so.

    `is_ours`: an operator has asked for it, so trades are posted and phases are ended for it.
    """

    state: State
    is_ours: bool
    reason: str | None
    watched_at: datetime
    moved_at: datetime
    next_look_at: datetime


class ContractView(Document):
    """What the exchange said at a block. `trade_block` is where Trade began; `phase_ends_at` null: not by time."""

    phase: PhaseName
    phase_started_at: datetime
    phase_ends_at: datetime | None
    agents: int
    agents_max: int
    list_max: int
    deposit_fee_wei: str
    operator: str
    verifier: str | None
    image_id: str
    trade_block: int | None
    block_number: int
    block_hash: str
    seen_at: datetime


class JobView(Document):
    """The proof that is owed. `allocation`, once it is completed: the item that each agent receives, by index."""

    state: JobState
    mode: Literal["direct", "groth16"] | None
    trade_block: int
    agents: int | None
    attempts: int
    error: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    begun_at: datetime | None
    completed_at: datetime | None
    allocation: list[int] | None


class CallView(Document):
    """A transaction of ours to the exchange; its hash and block once it is final."""

    purpose: Literal["advance", "time_out", "trades"]
    phase: PhaseName
    state: Literal["open", "confirmed", "failed", "cancelled"]
    reason: str | None
    transaction_hash: str | None
    block_number: int | None
    recorded_at: datetime
    ended_at: datetime | None


class Timings(Document):
    """What took how long, once it is over: until an attempt began, the attempt that succeeded, the trades' posting."""

    waited_ms: int | None
    proved_ms: int | None
    posted_ms: int | None


class Step(Document):
    """One step of the watch, a proof's job, or a call; `left` is null for its first."""

    subject: Literal["watch", "job", "call"]
    event: str
    left: str | None
    state: str
    at: datetime


class ExchangeView(Document):
    """One exchange: what it said, and how far its watch and its proof are."""

    chain_id: int
    address: str
    phase: PhaseName | None
    watch: WatchView
    contract: ContractView | None
    job: JobView | None


class Exchanges(Document):
    """A page, the newest first; `next_cursor` continues it."""

    contracts: list[ExchangeView]
    next_cursor: str | None


class ExchangeStory(ExchangeView):
    """The same with our transactions, how long each part took, and every step."""

    calls: list[CallView]
    timings: Timings
    history: list[Step]


def exchange_view(found: StoredContract) -> ExchangeView:
    """As anybody may see it."""
    return ExchangeView(**_exchange(found))


def story_view(found: StoredContract, history: Iterable[Mapping[str, Any]]) -> ExchangeStory:
    """The same with its history."""
    named = ("subject", "event", "state")
    return ExchangeStory(
        **_exchange(found),
        calls=[_call(one) for one in found.calls],
        timings=_timings(found),
        history=[
            Step(left=row["state_left"], at=row["happened_at"], **{name: row[name] for name in named})
            for row in history
        ],
    )


def phase_name(phase: Phase) -> PhaseName:
    """A phase as the API names it."""
    return _PHASES[phase]


def _exchange(found: StoredContract) -> dict[str, Any]:
    return {
        "chain_id": found.watch.chain_id,
        "address": found.watch.address,
        "phase": None if found.facts is None else phase_name(found.facts.phase),
        "watch": WatchView.model_validate(found.watch),
        "contract": None if found.facts is None else _contract(found.facts),
        "job": None if found.job is None else _job(found.job),
    }


def _contract(facts: Facts) -> ContractView:
    same = ("phase_started_at", "phase_ends_at", "agents", "agents_max", "list_max", "operator", "verifier", "seen_at")
    return ContractView(
        **{name: getattr(facts, name) for name in (*same, "block_number")},
        phase=phase_name(facts.phase),
        deposit_fee_wei=str(facts.deposit_fee_wei),
        image_id=_hexadecimal(facts.image_id),
        trade_block=None if facts.trade is None else facts.trade.block,
        block_hash=_hexadecimal(facts.block_hash),
    )


def _job(job: StoredJob) -> JobView:
    same = ("state", "mode", "agents", "attempts", "error", "next_attempt_at", "created_at", "begun_at", "completed_at")
    return JobView(
        **{name: getattr(job, name) for name in same}, trade_block=job.trade.block, allocation=allocation(job)
    )


def allocation(job: StoredJob) -> list[int] | None:
    """The item that each agent receives; None until the proof is there."""
    return None if job.journal is None or job.agents is None else allocation_of(job.journal, job.agents)


def _call(call: StoredCall) -> CallView:
    same = ("purpose", "state", "reason", "block_number", "recorded_at", "ended_at")
    return CallView(
        **{name: getattr(call, name) for name in same},
        phase=phase_name(call.phase),
        transaction_hash=None if call.transaction_hash is None else _hexadecimal(call.transaction_hash),
    )


def _timings(found: StoredContract) -> Timings:
    if found.job is None:
        return Timings(waited_ms=None, proved_ms=None, posted_ms=None)
    job = found.job
    posted = [one.ended_at for one in found.calls if one.job_id == job.id and one.state == "confirmed"]
    return Timings(
        waited_ms=_ms(job.created_at, job.begun_at),
        proved_ms=_ms(job.begun_at, job.completed_at),
        posted_ms=_ms(job.completed_at, next(iter(posted), None)),
    )


def _ms(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else (end - start) // _MILLISECOND


def _hexadecimal(octets: bytes) -> str:
    return "0x" + octets.hex()
