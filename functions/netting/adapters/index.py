"""What all who listen to the program write with: its transactions (`transfers_seen`), its batches (`indexing`), and the
comparison of books and chain (`reconciling`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.netting.adapters.batches import Batches
from functions.netting.adapters.holdings import Holdings
from functions.netting.adapters.news import News
from functions.netting.adapters.posting import Posts
from functions.netting.adapters.program_reading import ProgramReading
from kernel.clock import Clock
from kernel.ledger import Ledger
from kernel.tasks import Tasks

if TYPE_CHECKING:
    from functions.netting.wiring import Deps


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The chain to read, and everything that follows from it."""

    tasks: Tasks
    reading: ProgramReading
    holdings: Holdings
    posts: Posts
    batches: Batches
    news: News
    clock: Clock


def index_of(deps: Deps) -> Index:
    """As this container is set up."""
    reading = ProgramReading(deps.pool, deps.settings.program)
    return Index(
        tasks=deps.tasks,
        reading=reading,
        holdings=Holdings(reading.addresses, deps.clock),
        posts=Posts(Ledger(deps.clock), deps.settings.asset),
        batches=deps.batches,
        news=News(deps.kernel.realtime, deps.kernel.webhooks),
        clock=deps.clock,
    )
