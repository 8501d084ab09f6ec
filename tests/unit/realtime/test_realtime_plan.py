"""Who gets which messages of one step of a fan-out."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.realtime.plan import Delivery, Fate, Step, plan, slow_ones, texts_after

pytestmark = pytest.mark.unit


def step(
    *, cursor: int = 5, oldest: int = 1, first: int | None = None, upto: int = 8,
    members: Mapping[str, int] | None = None, positions: Mapping[str, int] | None = None,
) -> Step:  # fmt: skip
    lowest = min([cursor, *(positions or {}).values()])
    begin = first or max(lowest + 1, oldest)
    return Step(
        topic="system",
        shard=0,
        epoch="e",
        cursor=cursor,
        oldest=oldest,
        first=begin,
        upto=upto,
        texts=[f"m{n}" for n in range(begin, upto + 1)],
        members=members if members is not None else {"a": 0},
        positions=positions or {},
    )


def test_each_gets_what_comes_after_its_position() -> None:
    """The many from the cursor on, a late one later, a returning one earlier."""
    planned = plan(step(members={"many": 0, "late": 0, "back": 0}, positions={"late": 7, "back": 3}), 0)

    assert planned.deliveries == (
        Delivery("many", ("m6", "m7", "m8")),
        Delivery("late", ("m8",)),
        Delivery("back", ("m4", "m5", "m6", "m7", "m8")),
    )


def test_who_has_everything_gets_nothing() -> None:
    """Who joined after the last message, too."""
    assert plan(step(members={"a": 0, "b": 0}, positions={"a": 8, "b": 9}), 0).deliveries == ()


def test_what_is_lost_is_told_and_not_skipped() -> None:
    """The gap names the last lost number, and what is kept follows it."""
    texts = texts_after(step(cursor=2, oldest=7), 2)

    assert json.loads(texts[0]) == {"type": "system", "event": "gap", "topic": "system", "epoch": "e", "sequence": 6}
    assert texts[1:] == ("m7", "m8")


def test_the_last_kept_message_is_no_gap() -> None:
    """Who has 6 needs 7, and 7 is there."""
    assert texts_after(step(cursor=6, oldest=7), 6) == ("m7", "m8")


def test_an_empty_backlog_is_a_gap_up_to_the_end() -> None:
    """Redis lost the messages and kept the number."""
    texts = texts_after(step(cursor=5, oldest=9, first=9), 5)

    assert [json.loads(text)["sequence"] for text in texts] == [8]


def test_an_ended_session_gets_nothing() -> None:
    """At its very end; a moment before, it does."""
    planned = plan(step(members={"over": 1_000, "nearly": 1_001, "public": 0}), 1_000)

    assert planned.expired == ("over",)
    assert [delivery.connection_id for delivery in planned.deliveries] == ["nearly", "public"]


def test_where_a_member_is_left_when_it_could_not_be_reached() -> None:
    """After what it has got; a gap that was told counts as what it tells of."""
    whole, lossy = step(), step(cursor=2, oldest=7)

    assert [whole.after("a", pushed) for pushed in (0, 1, 3)] == [5, 6, 8]
    assert [lossy.after("a", pushed) for pushed in (0, 1, 2, 3)] == [2, 6, 7, 8]


@given(
    cursor=st.integers(0, 20), position=st.integers(0, 25), behind=st.integers(0, 10), length=st.integers(0, 20)
)  # fmt: skip
def test_nothing_comes_twice_and_nothing_is_missing(cursor: int, position: int, behind: int, length: int) -> None:
    """From the position on, without a hole but the one that is told, wherever one stops and goes on."""
    upto = max(cursor, position - 5) + length
    oldest = max(1, min(cursor, position) - behind + 3)
    one = step(cursor=cursor, oldest=min(oldest, upto + 1), upto=upto, positions={"a": position})
    texts = texts_after(one, position)

    for stop in range(len(texts) + 1):
        rest = texts_after(one, one.after("a", stop))
        assert texts[:stop] + rest == texts


def test_who_does_not_take_its_message_in_time_is_let_go() -> None:
    """Alone or among many."""
    assert slow_ones({"a": Fate.SLOW}) == {"a"}


def test_one_that_is_refused_among_many_is_to_blame() -> None:
    """One of ten; two of ten are API Gateway's doing, and wait."""
    pushed = {f"p{i}": Fate.PUSHED for i in range(9)}

    assert slow_ones({**pushed, "x": Fate.LATER}) == {"x"}
    assert slow_ones({**pushed, "x": Fate.LATER, "y": Fate.LATER}) == frozenset()
    assert slow_ones({"x": Fate.LATER}) == frozenset()
