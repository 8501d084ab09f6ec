"""The Upstash gateway speaks to Upstash's own clients as Upstash does."""

import base64
from collections.abc import Iterator

import httpx
import pytest
from upstash_ratelimit import Ratelimit, SlidingWindow
from upstash_redis import Redis
from upstash_redis.errors import UpstashError

from infra.local.redis import RedisRest

pytestmark = pytest.mark.integration


@pytest.fixture
def client(redis_rest: RedisRest) -> Iterator[Redis]:
    with Redis(url=redis_rest.rest_url, token=redis_rest.token, allow_telemetry=False) as client:
        yield client


def test_values_come_back_as_they_were_set(client: Redis) -> None:
    """A string with any characters survives the way there and back."""
    client.set("name", "Zürich / 100 % \n ✓", ex=60)

    assert client.get("name") == "Zürich / 100 % \n ✓"
    assert 0 < client.ttl("name") <= 60


def test_structures_are_told_apart(client: Redis) -> None:
    """Numbers stay numbers, absent keys are None, hashes become dictionaries."""
    client.hset("feed", values={"BTC": "1", "ETH": "2"})

    assert client.incr("count") == 1
    assert client.get("absent") is None
    assert client.hgetall("feed") == {"BTC": "1", "ETH": "2"}


def test_a_pipeline_answers_each_command_in_order(client: Redis) -> None:
    """Commands of a pipeline run in order, in one request."""
    pipeline = client.pipeline()
    pipeline.set("a", 1).incr("a").get("a")

    assert pipeline.exec() == [True, 2, "2"]


def test_a_transaction_runs_whole(client: Redis) -> None:
    """MULTI ... EXEC through /multi-exec."""
    transaction = client.multi()
    transaction.set("a", 1).incrby("a", 41).get("a")

    assert transaction.exec() == [True, 42, "42"]


def test_a_transaction_with_a_malformed_command_changes_nothing(redis_rest: RedisRest) -> None:
    """One command that Redis cannot queue refuses the whole transaction."""
    answer = _post(redis_rest, "/multi-exec", [["SET", "a", "1"], ["NOSUCHCOMMAND"]])

    assert answer.status_code == 400
    assert redis_rest.command("GET", "a") is None


def test_a_pipeline_goes_on_after_an_error(redis_rest: RedisRest) -> None:
    """In a pipeline each command answers for itself."""
    answer = _post(redis_rest, "/pipeline", [["SET", "a", "x"], ["INCR", "a"], ["GET", "a"]])

    assert [list(one) for one in answer.json()] == [["result"], ["error"], ["result"]]


def test_scripts_run(client: Redis) -> None:
    """EVAL with keys and arguments."""
    answer = client.eval("return {KEYS[1], ARGV[1], 7}", keys=["key"], args=["argument"])

    assert answer == ["key", "argument", 7]


def test_the_rate_limiter_counts(client: Redis) -> None:
    """upstash-ratelimit's scripts, headed by a line that only Upstash knows, run here too."""
    limiter = Ratelimit(redis=client, limiter=SlidingWindow(max_requests=2, window=60), prefix="test")

    allowed = [limiter.limit("someone").allowed for _ in range(3)]

    assert allowed == [True, True, False]


def test_a_command_may_be_the_path(redis_rest: RedisRest) -> None:
    """`/set/key/value?EX=10`, and a POST body as the last argument."""
    headers = _headers(redis_rest)
    httpx.post(f"{redis_rest.rest_url}/set/key?EX=10", content="v", headers=headers).raise_for_status()

    assert httpx.get(f"{redis_rest.rest_url}/get/key", headers=headers).json() == {"result": "v"}


def test_replies_are_base64_when_asked_for(redis_rest: RedisRest) -> None:
    """Binary values survive JSON; a plain OK stays readable."""
    headers = {**_headers(redis_rest), "Upstash-Encoding": "base64"}
    stored = httpx.post(f"{redis_rest.rest_url}/set/key", content=b"\x00\xff", headers=headers).json()
    loaded = httpx.post(redis_rest.rest_url, json=["GET", "key"], headers=headers).json()

    assert stored == {"result": "OK"}
    assert base64.b64decode(loaded["result"]) == b"\x00\xff"


@pytest.mark.parametrize("path", ["/", "/pipeline", "/multi-exec", "/get/key"])
def test_a_wrong_token_is_refused_everywhere(redis_rest: RedisRest, path: str) -> None:
    """Every route asks for the token."""
    answer = httpx.post(f"{redis_rest.rest_url}{path}", json=["PING"], headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'"PING"', b'["MONITOR"]', b'["NOSUCHCOMMAND"]'])
def test_a_bad_command_is_refused_with_words(redis_rest: RedisRest, body: bytes) -> None:
    """Broken JSON, no command, a command that holds its connection, an unknown command: 400 and an error."""
    answer = httpx.post(redis_rest.rest_url, content=body, headers=_headers(redis_rest))

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("ERR")


def test_an_error_reaches_the_client(client: Redis) -> None:
    """The client raises its own error for a command that Redis refuses."""
    client.set("text", "x")

    with pytest.raises(UpstashError, match="not an integer"):
        client.incr("text")


def _headers(redis_rest: RedisRest) -> dict[str, str]:
    return {"Authorization": f"Bearer {redis_rest.token}"}


def _post(redis_rest: RedisRest, path: str, body: object) -> httpx.Response:
    return httpx.post(f"{redis_rest.rest_url}{path}", json=body, headers=_headers(redis_rest))
