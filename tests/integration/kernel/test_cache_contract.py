"""The cache as the kernel relies on it: the fake and Upstash's REST API keep one contract."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from infra.local.redis import RedisRest
from kernel.cache import Cache, UpstashCache
from kernel.errors import CacheUnavailable
from kernel.testing import FakeClock, InMemoryCache
from kernel.upstash import Upstash

pytestmark = pytest.mark.integration


@dataclass
class Subject:
    cache: Cache
    wait: Callable[[float], None]
    #: The same cache with its server gone.
    away: Callable[[], Cache]


def fake() -> Subject:
    clock = FakeClock()

    def away() -> Cache:
        cache = InMemoryCache(clock)
        cache.down = True
        return cache

    return Subject(InMemoryCache(clock), clock.advance, away)


@pytest.fixture(params=["fake", "upstash"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        return fake()
    cache, away = (UpstashCache(request.getfixturevalue(name)) for name in ("upstash", "upstash_away"))
    return Subject(cache, time.sleep, lambda: away)


@pytest.mark.parametrize(
    "value", [1, 0, "text", "", "ünïcode ✓", True, [], [1, "a", None], {"a": {"b": [1.5]}}, "x" * 100_000], ids=repr
)
def test_a_value_comes_back_as_it_was(subject: Subject, value: object) -> None:
    """Any JSON value."""
    subject.cache.set("key", value, ttl_s=10)

    assert subject.cache.get("key") == value


def test_an_absent_key_is_none(subject: Subject) -> None:
    """No value, no error."""
    assert subject.cache.get("absent") is None


def test_a_key_may_hold_anything(subject: Subject) -> None:
    """Slashes, blanks and colons are part of a key."""
    subject.cache.set("latest:BTC/USD now", 1, ttl_s=10)

    assert (subject.cache.get("latest:BTC/USD now"), subject.cache.get("latest:BTC")) == (1, None)


def test_several_values_are_asked_and_kept_at_once(subject: Subject) -> None:
    """Each by its key, None where there is none; nothing asked is nothing answered."""
    subject.cache.set_many({"latest:BTC/USD": {"a": [1]}, "b": None, "c": "ü"}, ttl_s=10)
    subject.cache.set_many({}, ttl_s=10)

    assert [{"a": [1]}, None, "ü", None] == subject.cache.get_many(["latest:BTC/USD", "absent", "c", "b"])
    assert [] == subject.cache.get_many([])


def test_several_values_run_out_too(subject: Subject) -> None:
    """Each after the seconds of all."""
    subject.cache.set_many({"a": 1, "b": 2}, ttl_s=1)
    subject.wait(1.1)

    assert [None, None] == subject.cache.get_many(["a", "b"])


def test_a_value_runs_out(subject: Subject) -> None:
    """After its seconds it is gone."""
    subject.cache.set("key", 1, ttl_s=1)
    subject.wait(1.1)

    assert subject.cache.get("key") is None


def test_the_last_value_counts(subject: Subject) -> None:
    """Setting again replaces."""
    subject.cache.set("key", 1, ttl_s=10)
    subject.cache.set("key", 2, ttl_s=10)

    assert subject.cache.get("key") == 2


def test_a_deleted_value_is_gone(subject: Subject) -> None:
    """Also twice."""
    subject.cache.set("key", 1, ttl_s=10)
    subject.cache.delete("key")
    subject.cache.delete("key")

    assert subject.cache.get("key") is None


@pytest.mark.parametrize("ttl_s", [0, -1])
def test_an_entry_must_have_an_end(subject: Subject, ttl_s: int) -> None:
    """Nothing is kept for ever, nothing for no time."""
    with pytest.raises(ValueError, match="at least one second"):
        subject.cache.set("key", 1, ttl_s=ttl_s)


def test_with_redis_down_every_call_says_so(subject: Subject) -> None:
    """CacheUnavailable, soon."""
    cache, started_s = subject.away(), time.monotonic()
    for call in (
        lambda: cache.get("k"),
        lambda: cache.set("k", 1, ttl_s=1),
        lambda: cache.delete("k"),
        lambda: cache.get_many(["k"]),
        lambda: cache.set_many({"k": 1}, ttl_s=1),
    ):
        with pytest.raises(CacheUnavailable):
            call()

    assert time.monotonic() - started_s < 5


def test_a_wrong_token_is_unavailable(redis_rest: RedisRest) -> None:
    """A refused request is not mistaken for an absent value."""
    upstash = Upstash(redis_rest.rest_url, "wrong")
    with pytest.raises(CacheUnavailable):
        UpstashCache(upstash).get("key")
    upstash.close()
