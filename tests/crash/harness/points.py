"""The points at which a process can die: every statement, commit, RPC, AWS and Redis call, signature and message.

The vendors' own entrances are wrapped, in the forked victim only; no module of ours is touched, so whatever the
product does on its way to the world passes here, also what a scenario's author did not think of. At *before* nothing
has left the process; at *after* the other side has done it and the process has not heard of it yet.

A point is named and counted: the third `rpc primary eth_getBlockByNumber` of one run is the third of the next. Calls
that go to several endpoints from several threads have a name for each endpoint, so their counts do not depend on which
thread comes first. A point inside a point (boto3 over urllib3) is the outer one's.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from tests.crash.harness.names import redis_name, rpc_name, sql_name


class Side(StrEnum):
    """When, seen from the other side."""

    BEFORE = "before"  # not done yet
    AFTER = "after"  # done, and the caller has not heard


class Point(NamedTuple):
    """The `nth` time that a run comes by here, counted from 1."""

    name: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name} #{self.nth}"


@dataclass(frozen=True, slots=True)
class Passing:
    """A process passes a point. `held`: a database transaction of it is open at that moment."""

    point: Point
    side: Side
    held: bool


Witness = Callable[[Passing], None]
BEGIN, ENDS = "sql begin", ("sql commit", "sql rollback")


class Points:
    """Names and counts the points of this process, and tells the witness of each."""

    def __init__(self, witness: Witness, places: Mapping[str, str]) -> None:
        """places: what the host:port of a server is called, as in "rpc primary"; other HTTP calls are "http"."""
        self._witness, self._places = witness, places
        self._counts: Counter[str] = Counter()
        self._held = 0
        self._last: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._lock, self._thread = threading.Lock(), threading.local()
        self._over = False

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """The call inside the block is a point; nothing inside it is one more."""
        if self._is_unwatched():
            yield
            return
        with self._lock:
            self._counts[name] += 1
            point = Point(name, self._counts[name])
        self._witness(Passing(point, Side.BEFORE, self._held > 0))
        self._held += name == BEGIN
        try:
            with self.unwatched():
                yield
        finally:
            # Also after a refusal: the other side has answered.
            self._held = max(0, self._held - name.startswith(ENDS))
            self._witness(Passing(point, Side.AFTER, self._held > 0))

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """What happens inside is the world's doing, or part of a greater point."""
        before = getattr(self._thread, "inside", False)
        self._thread.inside = True
        try:
            yield
        finally:
            self._thread.inside = before

    def end(self) -> None:
        """The run is over: what follows, in whatever thread, is the judge's doing."""
        self._over = True

    def watch_vendors(self) -> None:
        """Wrap psycopg, urllib3, botocore, httpx and coincurve, in this process and for good."""
        import botocore.client
        import coincurve
        import httpx
        import psycopg
        import urllib3

        for method in ("execute", "executemany"):
            self._wrap(psycopg.Cursor, method, self._sql_point)
        for method in ("commit", "rollback"):
            self._wrap(psycopg.Connection, method, lambda connection, *_, word=method, **__: f"sql {word}")
        self._wrap(urllib3.connectionpool.HTTPConnectionPool, "urlopen", self._http_point)
        self._wrap(httpx.Client, "send", self._redis_point)
        self._wrap(botocore.client.BaseClient, "_make_api_call", _aws_point)
        for method in ("sign", "sign_recoverable"):
            self._wrap(coincurve.PrivateKey, method, lambda *_, **__: "sign secp256k1")

    def watched(self, named: object, *methods: str, name: str) -> Any:
        """A stand-in for an object whose entrances cannot be wrapped (a signer in Rust), given by the constructor."""
        points = self

        class Watched:
            def __getattr__(self, attribute: str) -> Any:
                found = getattr(named, attribute)
                if attribute not in methods:
                    return found

                def call(*args: Any, **kwargs: Any) -> Any:
                    with points.at(name):
                        return found(*args, **kwargs)

                return call

        return Watched()

    def _is_unwatched(self) -> bool:
        return self._over or getattr(self._thread, "inside", False)

    def _wrap(self, owner: type, method: str, name_of: Callable[..., str | None]) -> None:
        original = getattr(owner, method)

        @wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            name = None if self._is_unwatched() else name_of(*args, **kwargs)
            if name is None:
                return original(*args, **kwargs)
            with self.at(name):
                return original(*args, **kwargs)

        setattr(owner, method, call)

    def _sql_point(self, cursor: Any, query: Any, *_: Any, **__: Any) -> str:
        statement = query.decode() if isinstance(query, bytes) else str(query)
        verb = statement.split(None, 1)[0].rstrip(";").lower()
        if verb == "begin":
            return BEGIN
        if verb in ("commit", "rollback"):
            return f"sql {verb} after {self._last.pop(cursor.connection, 'nothing')}"
        self._last[cursor.connection] = name = sql_name(statement)
        return f"sql {name}"

    def _http_point(self, pool: Any, method: str, url: str, body: Any = None, *_: Any, **__: Any) -> str:
        place = self._places.get(f"{pool.host}:{pool.port}", "http")
        return f"{place} {rpc_name(body)}"

    def _redis_point(self, client: Any, request: Any, **_: Any) -> str | None:
        # Only Redis is spoken to by httpx; tests and stand-ins use it for themselves.
        if f"{request.url.host}:{request.url.port}" not in self._places:
            return None
        return redis_name(request.content)


def _aws_point(client: Any, operation: str, *_: Any, **__: Any) -> str:
    return f"{client.meta.service_model.service_name} {operation}"
