"""One container of a race, as a process of its own, in real time: nobody's clock is asked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from kernel.breaker import BreakerPolicy, Breakers, Policies, UpstashBoard
from kernel.postgres import Postgres
from kernel.upstash import Upstash

NAME, MEETING_S = "modal", 60
FAILURES, RESET_S = 40, 2
T = TypeVar("T")
POLICY = BreakerPolicy(threshold=FAILURES, reset_s=RESET_S, check_s=300)


def run(url: str, redis: tuple[str, str] | None, threads: int, meeting: Barrier, results: "Queue[list[bool]]") -> None:
    """Fail together until it opens, meet, rest, and ask together. Tells who was admitted."""
    upstash = Upstash(*redis) if redis else None
    postgres = Postgres(url, role="counterpart_oracle", statement_timeout_s=MEETING_S)
    breakers = Breakers(postgres, UpstashBoard(upstash) if upstash else None, None, Policies(fixed={"*": POLICY}))
    breakers.changes()  # connected before the race
    together(threads, meeting, lambda: breakers.failed(NAME, "timeout"))
    meeting.wait(MEETING_S)
    results.put(together(threads, meeting, lambda: breakers.usable(NAME)))
    breakers.close()
    if upstash:
        upstash.close()


def together(threads: int, meeting: Barrier, act: Callable[[], T]) -> list[T]:
    """What an action returns in so many threads, begun when all processes have met."""
    with ThreadPoolExecutor(threads) as pool:
        meeting.wait(MEETING_S)
        return [one.result() for one in [pool.submit(act) for _ in range(threads)]]
