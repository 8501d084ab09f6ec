"""The client of Redis: one for all threads, a fresh one after it was given back."""

import gc
import warnings

import pytest

from infra.local.redis import RedisRest
from kernel.upstash import Upstash
from tests.races import at_once

pytestmark = pytest.mark.integration


def test_threads_that_come_first_together_share_one_client(redis_rest: RedisRest) -> None:
    """A second one would keep its connection when the first is given back."""
    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(10):
            upstash = Upstash(redis_rest.rest_url, redis_rest.token)
            at_once([upstash] * 8, lambda client: client.ask(lambda redis: redis.ping()))
            upstash.close()
        gc.collect()

    assert [str(one.message) for one in unclosed if issubclass(one.category, ResourceWarning)] == []


def test_what_was_given_back_is_opened_again(upstash: Upstash) -> None:
    """As a container does around a snapshot of its memory."""
    upstash.ask(lambda redis: redis.set("key", "value"))
    upstash.close()

    assert upstash.ask(lambda redis: redis.get("key")) == "value"
