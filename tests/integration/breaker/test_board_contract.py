"""The board: the fake and Redis's keep one contract; what happens when Redis is down."""

from datetime import datetime, timedelta

import pytest

from infra.local.redis import RedisRest
from kernel.breaker import Board, Condition, State, UpstashBoard
from kernel.errors import CacheUnavailable
from kernel.testing import FakeClock, InMemoryBoard
from kernel.upstash import Upstash

pytestmark = pytest.mark.integration
NOW = FakeClock().now()
OPEN = Condition(
    dependency="modal", state=State.CIRCUIT_OPEN, version=7, failures=5, trips=1, changed_at=NOW, wait_s=60.0
)


@pytest.fixture(params=["fake", "upstash"])
def board(request: pytest.FixtureRequest) -> Board:
    return InMemoryBoard() if request.param == "fake" else UpstashBoard(request.getfixturevalue("upstash"))


@pytest.fixture(params=["fake", "upstash"])
def away(request: pytest.FixtureRequest) -> Board:
    """A board whose Redis is down."""
    if request.param == "fake":
        fake = InMemoryBoard()
        fake.down = True
        return fake
    return UpstashBoard(request.getfixturevalue("upstash_away"))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_what_is_posted_is_read_by_all_and_counts_down(board: Board) -> None:
    """Ten seconds later it waits ten seconds less."""
    board.exchange([OPEN], now=NOW)
    seen = board.exchange(now=after(10)).conditions["modal"]

    assert (seen.state, seen.version, seen.failures, seen.trips, seen.changed_at) == (State.CIRCUIT_OPEN, 7, 5, 1, NOW)
    assert seen.wait_s == pytest.approx(50)


def test_only_what_is_newer_replaces_what_is_there(board: Board) -> None:
    """A container that was slow to post does not turn time back, and a second post does not start a wait anew."""
    newer = Condition(dependency="modal", state=State.DEGRADED, version=8, wait_s=120.0)
    board.exchange([OPEN], now=NOW)
    again = board.exchange([OPEN], now=after(10)).conditions["modal"].wait_s
    board.exchange([newer], now=after(10))

    seen = board.exchange([OPEN], now=after(11)).conditions["modal"]
    assert again == pytest.approx(50)
    assert seen.state is State.DEGRADED


def test_a_board_is_current_for_three_seconds(board: Board) -> None:
    """After it was compared with the record as a whole; posts alone do not make it current."""
    empty = board.exchange([OPEN], now=NOW).is_current
    board.exchange([OPEN], whole=True, now=NOW)

    assert not empty
    assert [board.exchange(now=after(s)).is_current for s in (0, 2.999, 3)] == [True, True, False]


def test_one_reader_at_a_time_is_elected_to_compare(board: Board) -> None:
    """When a second and a half have passed; one who was elected and died is replaced after a second."""
    board.exchange(whole=True, now=NOW)

    elected = [board.exchange(now=after(s)).is_elected for s in (1.499, 1.5, 1.6, 2.499, 2.5)]
    assert elected == [False, True, False, False, True]


def test_one_caller_at_a_time_may_ask_for_the_probe(board: Board) -> None:
    """Of one version of one dependency; again after a second, and at once for a newer version."""
    newer = Condition(dependency="modal", state=State.RECOVERING, version=8)
    other = Condition(dependency="kraken", state=State.CIRCUIT_OPEN, version=7)
    steps: list[tuple[Condition | None, float]] = [
        (OPEN, 0), (OPEN, 0.999), (None, 0.999), (other, 0.999), (OPEN, 1), (newer, 1), (newer, 1)
    ]  # fmt: skip

    granted = [board.exchange(wanted=wanted, now=after(s)).is_granted for wanted, s in steps]
    assert granted == [True, False, False, True, True, True, False]


def test_a_redis_that_is_down_says_so(away: Board) -> None:
    """The caller asks the record instead."""
    with pytest.raises(CacheUnavailable):
        away.exchange()


@pytest.mark.parametrize("content", ["7", "seven - {}", '7 - {"state": "asleep"}', "7 - nonsense"])
def test_a_board_that_others_wrote_on_is_not_believed(redis_rest: RedisRest, upstash: Upstash, content: str) -> None:
    """It counts as down."""
    redis_rest.command("HSET", "breakers", "modal", content)
    with pytest.raises(CacheUnavailable):
        UpstashBoard(upstash).exchange()


def test_without_a_time_given_redis_tells_it(upstash: Upstash) -> None:
    """A wait counts down in Redis's own time."""
    board = UpstashBoard(upstash)
    posted = board.exchange([OPEN]).conditions["modal"].wait_s
    later = board.exchange().conditions["modal"].wait_s

    assert posted == pytest.approx(60)
    assert later is not None
    assert 0 < later <= 60
