"""The rate limiter: the fake and Upstash's keep one contract; what happens when Redis is down."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

from kernel.cache import UpstashCache
from kernel.errors import CacheUnavailable, RateLimited, RateLimitUnavailable
from kernel.ratelimit import Limiter, UpstashLimiter, Window, require_room
from kernel.testing import FakeClock, InMemoryLimiter
from kernel.upstash import Upstash

pytestmark = pytest.mark.integration


@pytest.fixture(params=["fake", "upstash"])
def limiter(request: pytest.FixtureRequest) -> Iterator[Limiter]:
    if request.param == "fake":
        yield InMemoryLimiter()
        return
    # A test must not straddle two windows, whose share would let one more request in.
    while time.time() % 60 > 57:
        time.sleep(0.2)
    yield UpstashLimiter(request.getfixturevalue("upstash"))


@pytest.fixture(params=["fake", "upstash"])
def away(request: pytest.FixtureRequest) -> Iterator[Limiter]:
    """A limiter whose Redis is down."""
    if request.param == "fake":
        fake = InMemoryLimiter()
        fake.down = True
        yield fake
        return
    yield UpstashLimiter(request.getfixturevalue("upstash_away"))


def test_requests_up_to_the_limit_are_allowed(limiter: Limiter) -> None:
    """The limit's worth, counted down, and no more."""
    identity = f"key:{uuid4()}"
    decisions = [limiter.check(identity, 3) for _ in range(5)]

    assert [decision.allowed for decision in decisions] == [True, True, True, False, False]
    assert [decision.remaining for decision in decisions] == [2, 1, 0, 0, 0]
    assert all(0 <= decision.reset_ms <= Window.MINUTE.ms for decision in decisions)


def test_identities_do_not_share_their_minute(limiter: Limiter) -> None:
    """One caller's flood costs nobody else."""
    one, other = f"key:{uuid4()}", f"key:{uuid4()}"
    for _ in range(3):
        limiter.check(one, 2)

    assert limiter.check(other, 2).allowed


def test_seconds_and_minutes_are_counted_apart(limiter: Limiter) -> None:
    """A second's window turns after a second, and what it counts costs nothing of the minute's."""
    identity = f"address:{uuid4()}"
    decisions = [limiter.check(identity, 2, Window.SECOND) for _ in range(2)]

    assert all(0 <= decision.reset_ms <= Window.SECOND.ms for decision in decisions)
    assert 1 == limiter.check(identity, 2).remaining


def test_a_second_has_room_again_after_the_next_one() -> None:
    """Half of a second's requests still count in the middle of the next one."""
    clock = FakeClock()
    limiter = InMemoryLimiter(clock)
    for _ in range(4):
        require_room(limiter, "address:a", 4, Window.SECOND, writes=True)
    with pytest.raises(RateLimited) as refused:
        require_room(limiter, "address:a", 4, Window.SECOND, writes=True)
    clock.advance(1.5)

    allowed = [limiter.check("address:a", 4, Window.SECOND).allowed for _ in range(3)]

    assert [True, True, False] == allowed
    assert (4, "Too many requests in this second.") == (
        refused.value.details["limit_per_second"],
        refused.value.message,
    )


def test_the_window_slides() -> None:
    """A third into the next minute, two thirds of the past one's requests still count."""
    clock = FakeClock()
    limiter = InMemoryLimiter(clock)
    for _ in range(9):
        limiter.check("key:a", 9)
    clock.advance(80)

    allowed = [limiter.check("key:a", 9).allowed for _ in range(4)]

    assert allowed == [True, True, True, False]


def test_room_is_given_or_refused(limiter: Limiter) -> None:
    """RateLimited tells when to come back."""
    identity = f"key:{uuid4()}"
    assert require_room(limiter, identity, 1, writes=True) is not None
    with pytest.raises(RateLimited) as refused:
        require_room(limiter, identity, 1, writes=False)

    reset_ms = refused.value.details["reset_ms"]
    assert isinstance(reset_ms, int)
    assert 0 <= reset_ms <= Window.MINUTE.ms


def test_with_redis_down_reads_go_on_without_limits(away: Limiter) -> None:
    """There is nothing to count with, and nothing to guess at."""
    assert [require_room(away, "key:a", 1, writes=False) for _ in range(2)] == [None, None]


@pytest.mark.parametrize("page", [b"<html>502 Bad Gateway</html>", b'{"message": "Forbidden"}'])
def test_an_answer_that_is_not_redis_counts_as_down(page: bytes) -> None:
    """A gateway in front of Redis answers with a page of its own."""

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(502)
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        upstash = Upstash(f"http://127.0.0.1:{server.server_port}", "none")
        with pytest.raises(RateLimitUnavailable):
            UpstashLimiter(upstash).check("key:a", 1)
        with pytest.raises(CacheUnavailable):
            UpstashCache(upstash).get("a")
        upstash.close()
        server.shutdown()


def test_with_redis_down_writes_are_refused(away: Limiter) -> None:
    """Nobody gains from an outage."""
    with pytest.raises(RateLimitUnavailable):
        require_room(away, "key:a", 1, writes=True)
