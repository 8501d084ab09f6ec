"""Owns asking several endpoints at once, without waiting for the slowest longer than its answer is worth."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, TypeVar

from kernel.jsonrpc.endpoint import Endpoint

THREADS_PER_ENDPOINT: Final = 4

T = TypeVar("T")


class Fan:
    """The threads of one pool. They do not come through a fork: a child makes its own."""

    def __init__(self, endpoints: int, grace_s: float) -> None:
        # More than endpoints, since a silent one keeps its thread until its time-out.
        self._size, self._grace_s = THREADS_PER_ENDPOINT * endpoints, grace_s
        self._threads: ThreadPoolExecutor | None = None
        self._process_id = 0

    def each(
        self,
        endpoints: Sequence[Endpoint],
        ask: Callable[[Endpoint], T | None],
        enough: Callable[[list[T]], bool] = bool,
    ) -> list[T | None]:
        """Ask all at once. Once the answers so far are `enough`, the others have `grace_s`; who is later is None.

        A silent provider would otherwise cost its whole time-out each time, where another has long answered.
        """
        if len(endpoints) <= 1:
            return [ask(endpoint) for endpoint in endpoints]
        asked = [self._workers().submit(ask, endpoint) for endpoint in endpoints]
        answered: set[Future[T | None]] = set()
        late = set(asked)
        while late and not enough(_results(answered)):
            more, late = wait(late, return_when=FIRST_COMPLETED)
            answered |= more
        answered |= wait(late, timeout=self._grace_s).done
        return [one.result() if one in answered else None for one in asked]

    def close(self) -> None:
        """Let go of the threads; the next question makes new ones."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    def _workers(self) -> ThreadPoolExecutor:
        if self._threads is None or self._process_id != os.getpid():
            self._threads = ThreadPoolExecutor(max_workers=self._size, thread_name_prefix="rpc")
            self._process_id = os.getpid()
        return self._threads


def _results(answered: set[Future[T | None]]) -> list[T]:
    return [result for one in answered if (result := one.result()) is not None]
