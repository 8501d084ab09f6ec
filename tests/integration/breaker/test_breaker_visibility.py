"""What every container knows within five seconds, whatever became of Redis, and what is left when a store is away."""

from collections.abc import Iterator

import pytest

from infra.local import ports
from infra.local import redis as redis_part
from infra.local.children import Children
from infra.local.postgres import PostgresServer
from infra.local.redis import RedisRest
from kernel.breaker import BreakerPolicy, Breakers, Policies, State
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from tests.integration.breaker.conftest import Fleet
from tests.integration.breaker.test_breaker_life import NAME, call, fail, told

pytestmark = pytest.mark.integration
#: view_s + STALE_AFTER_MS of kernel/breaker/views.py.
SEEN_WITHIN_S = 4.5


@pytest.fixture
def absent_redis(redis_rest: RedisRest) -> Iterator[RedisRest]:
    """A Redis whose port nobody listens on."""
    port = ports.free_port()
    yield RedisRest(f"http://127.0.0.1:{port}", "none", redis_rest.socket, redis_rest.server, redis_rest.gateway)
    ports.release_port(port)


def test_a_change_is_seen_as_soon_as_a_view_is_old(fleet: Fleet, clock: FakeClock) -> None:
    """Posted on the board: a second and a half, and not before."""
    one, other = fleet(), fleet()
    assert other.usable(NAME)
    fail(one, 5)
    before = other.condition(NAME).state
    clock.advance(1.5)

    assert (before, other.condition(NAME).state) == (State.INITIALIZING, State.CIRCUIT_OPEN)


@pytest.mark.parametrize("who", ["neither", "the writer", "the reader"])
def test_a_change_is_seen_without_redis(
    fleet: Fleet, clock: FakeClock, who: str, redis_rest: RedisRest, absent_redis: RedisRest
) -> None:
    """Also when only some containers reach it, and when the writer died before it could post the change."""
    writer = fleet(redis=redis_rest if who == "the writer" else absent_redis)
    reader = fleet(redis=redis_rest if who == "the reader" else absent_redis)
    assert reader.usable(NAME)
    assert writer.usable(NAME)
    fail(writer, 5)
    clock.advance(SEEN_WITHIN_S)

    assert reader.condition(NAME).state is State.CIRCUIT_OPEN
    assert reader.condition(NAME).wait_s == pytest.approx(60 - SEEN_WITHIN_S, abs=0.01)


def test_a_board_that_forgot_everything_is_filled_from_the_record(
    fleet: Fleet, clock: FakeClock, redis_rest: RedisRest
) -> None:
    """An open circuit stays open, also for a container that starts at that moment, and the board has it again."""
    one = fleet()
    fail(one, 5)
    redis_rest.flush()
    newcomer = fleet()

    assert not newcomer.usable(NAME)
    assert NAME in str(redis_rest.command("HGETALL", "breakers"))


def test_redis_dies_and_comes_back_empty(fleet: Fleet, clock: FakeClock, children: Children) -> None:
    """In the middle of counting, of resting and of probing: no failure is lost, and one probe is admitted."""
    redis = redis_part.start(children, name="redis-victim")
    one, other = fleet(redis=redis), fleet(redis=redis)
    fail(one, 3)
    children.forget(redis.gateway)
    children.forget(redis.server)
    fail(other, 1)
    counted = other.condition(NAME).failures
    fail(one, 1)
    clock.advance(60)
    reborn = redis_part.start(children, name="redis-reborn")
    third = fleet(redis=reborn)
    admitted = [container.usable(NAME) for container in (third, one, other)]
    third.succeeded(NAME)
    children.forget(reborn.gateway)
    children.forget(reborn.server)

    assert counted == 4
    assert admitted == [True, False, False]
    assert told(one.changes()) == [
        ("initializing", "slip", "degraded"),
        ("degraded", "trip", "circuit_open"),
        ("circuit_open", "probe", "recovering"),
        ("recovering", "close", "degraded"),
    ]


def test_with_the_record_away_what_was_known_stays(
    postgres_server: PostgresServer, redis_rest: RedisRest, clock: FakeClock
) -> None:
    """Nothing that is guarded breaks: an open circuit stays open, everything else is used."""
    url = postgres_server.create_migrated()
    postgres, clockwork = Postgres(url), Policies(fixed={"*": BreakerPolicy(threshold=2)})
    breakers = Breakers(postgres, None, clock, clockwork)
    fail(breakers, 2)
    breakers.close()
    postgres_server.drop_database(url)
    clock.advance(30)
    breakers.failed("other", "timeout")

    call_result = breakers.usable("other"), breakers.usable(NAME)
    clock.advance(3)
    with pytest.raises(KeyError), breakers.guard("third"):
        raise KeyError
    assert call_result == (True, False)


def test_an_active_dependency_costs_nothing(fleet: Fleet, redis_rest: RedisRest, database_url: str) -> None:
    """Neither Redis nor Postgres hears of a thousand calls within one view."""
    breakers = fleet()
    call(breakers)
    asked_before = _commands(redis_rest)
    for _ in range(1_000):
        call(breakers)

    # INFO counts itself.
    assert _commands(redis_rest) - asked_before == 1


def _commands(redis: RedisRest) -> int:
    answer = str(redis.command("INFO", "stats"))
    return int(answer.split("total_commands_processed:")[1].split(maxsplit=1)[0])
