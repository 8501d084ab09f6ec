"""What both readers of the program write with: its transactions (`transfers_seen`) and its batches (`indexing`)."""

from dataclasses import dataclass

from functions.netting.adapters.batches import Batches
from functions.netting.adapters.holdings import Holdings
from functions.netting.adapters.news import News
from functions.netting.adapters.posting import Posts
from functions.netting.adapters.program_reading import ProgramReading
from kernel.clock import Clock
from kernel.tasks import Tasks


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
