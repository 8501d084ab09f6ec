"""Owns reading content from whoever has it: the bucket and the gateways, raced, and none of them believed.

1. Sources are asked as configured, the bucket first. Whose circuit is open fails at once, until its reset is over. (By
   health, as `kernel.failover` orders, a bucket that failed once would come last, where nobody finds it well again.)
2. Whoever has not answered after `hedge_s` has the next one for company; whoever failed is replaced at once. The first
   whole content wins, and nobody waits for the others.
3. A source that is silent, or whose bytes have another hash, failed: its breaker is told. Not having it is an answer.
4. Whatever a source checked for itself, the content that leaves here has the CID that was asked for, computed anew.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

from kernel.breaker.breakers import Breakers
from kernel.breaker.guarding import told
from kernel.errors import CounterpartError, Transient
from kernel.pinning.blocks import STORED_MAX_BYTES, BlockForged, codec_of, tree_of
from kernel.pinning.store import ContentStore

HEDGE_S: Final = 1.0
#: A function has better things to do than to wait longer.
PATIENCE_S: Final = 20.0
ABSENT, LATE = "absent", "too slow"


class ContentUnavailable(Transient):
    """Pinned content cannot be read at the moment."""

    cause = "Neither the bucket nor any gateway gave bytes with the right hash; details name what became of each."
    remedy = "It is tried again; look at the states of the sources in /health/deep if this lasts."
    example = '{"cid": "bafkrei…", "sources": "pinning:bucket: absent, gateway:gateway.example.org: block_forged"}'


class Source(Protocol):
    """Somebody who may have content. `name` is that of its breaker."""

    @property
    def name(self) -> str: ...

    def read(self, cid: str) -> bytes | None:
        """What it says the content is; None where it has none."""
        ...


class Bucket:
    """The bucket as a Source."""

    name: Final = "pinning:bucket"

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    def read(self, cid: str) -> bytes | None:
        """What lies there."""
        return self._store.get(cid)


class Sources:
    """Everybody who may have content."""

    def __init__(
        self,
        sources: Sequence[Source],
        breakers: Breakers,
        *,
        hedge_s: float = HEDGE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        if not sources:
            raise ValueError("content is read from somewhere")
        self._sources = {source.name: source for source in sources}
        self._breakers = breakers
        self._hedge_s, self._patience_s = hedge_s, patience_s

    def read(self, cid: str) -> bytes:
        """The content of this CID, and nothing else. Raises CidUnfit, ContentUnavailable."""
        codec_of(cid)
        failures = dict.fromkeys(self._sources, LATE)
        threads = ThreadPoolExecutor(max_workers=len(self._sources), thread_name_prefix="pins")
        try:
            for name, asked in self._asked(cid, threads):
                try:
                    content = asked.result()
                except CounterpartError as error:
                    failures[name] = told(error)
                    continue
                if content is not None:
                    return content
                failures[name] = ABSENT
        finally:
            threads.shutdown(wait=False, cancel_futures=True)  # who is late ends by its own time-out
        raise ContentUnavailable(cid=cid, sources=", ".join(f"{name}: {why}" for name, why in failures.items()))

    def close(self) -> None:
        """Give back the connections there are."""
        for source in self._sources.values():
            close = getattr(source, "close", None)
            if close is not None:
                close()

    def _asked(self, cid: str, threads: ThreadPoolExecutor) -> Iterator[tuple[str, "Future[bytes | None]"]]:
        """Each source's answer as it comes; asks the next one whenever one failed, or is late."""
        waiting = list(self._sources)
        running: dict[Future[bytes | None], str] = {}
        until_s = time.monotonic() + self._patience_s
        while waiting or running:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            if waiting:
                name = waiting.pop(0)
                running[threads.submit(self._checked, name, cid)] = name
            done, _ = wait(running, min(left_s, self._hedge_s) if waiting else left_s, FIRST_COMPLETED)
            for one in done:
                yield running.pop(one), one

    def _checked(self, name: str, cid: str) -> bytes | None:
        with self._breakers.guard(name):
            content = self._sources[name].read(cid)
            if content is not None and (len(content) > STORED_MAX_BYTES or tree_of(content)[0].cid != cid):
                raise BlockForged(cid=cid)
            return content
