"""The tasks that pay what a contest owes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.contests.core.obligation import Kind
from kernel.correlation import current
from kernel.ids import new_id
from kernel.tasks import TaskSpec

PAY: Final = "contests.pay_prizes"
REFUND: Final = "contests.refund_entries"
#: What cannot be done now fails for reasons of the surroundings: nobody is forgotten because an RPC was away.
ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class PayContest:
    """The payload: a contest, whose payouts or refunds are to be brought to their end."""

    contest: UUID


def payment(contest_id: UUID, kind: Kind, run_at: datetime) -> TaskSpec:
    """The task that pays, as "contests:<contest>:payout"."""
    return _task(contest_id, kind, f"contests:{contest_id}:{kind}", run_at)


def payment_again(contest_id: UUID, kind: Kind, run_at: datetime) -> TaskSpec:
    """Another one, for what was held or parked when the first had ended."""
    return _task(contest_id, kind, f"contests:{contest_id}:{kind}:{new_id()}", run_at)


def _task(contest_id: UUID, kind: Kind, business_key: str, run_at: datetime) -> TaskSpec:
    return TaskSpec(
        kind=REFUND if kind == Kind.REFUND else PAY,
        business_key=business_key,
        payload={"contest": str(contest_id)},
        run_at=run_at,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
