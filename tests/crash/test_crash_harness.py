"""The harness itself: it names what it kills, it catches every broken promise, and it cannot be fooled by silence."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.crash.harness.campaign import Campaign, Tally
from tests.crash.harness.names import redis_name, rpc_name, sql_name
from tests.crash.harness.points import Passing, Point, Points, Side
from tests.crash.harness.scenario import Scenario, mistakes
from tests.crash.harness.site import START, SharedClock, SurvivingQueue, Variation
from tests.crash.harness.stage import Stage
from tests.crash.harness.table import table, told

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]

Staged = Callable[[Scenario, int], Stage]


@pytest.fixture
def campaign(stage: Staged) -> Callable[..., Campaign]:
    """`campaign("a mistake's name", **variation)`."""

    def begin(name: str, **variation: object) -> Campaign:
        return Campaign(stage(mistakes()[f"mistake: {name}"], 1), Variation(**variation))  # type: ignore[arg-type]  # fields by name

    return begin


def test_an_effect_sent_before_it_is_committed_is_caught(campaign: Callable[..., Campaign]) -> None:
    """The survivor pays a second time: the recipient's balance tells."""
    tally = campaign("sent before it is committed").run(named_only=True, failures_max=1, about="evm")

    (failure,) = tally.failures
    assert ("eth_sendRawTransaction #1" in failure, "14 wei were paid" in failure) == (True, True)
    assert tally.verdict == "1 FAILED"


def test_an_effect_committed_but_never_sent_is_caught(campaign: Callable[..., Campaign]) -> None:
    """The survivor believes the note: nobody is ever paid."""
    tally = campaign("committed before it is sent, and never looked at again").run(
        named_only=True, failures_max=1, about="notes"
    )

    (failure,) = tally.failures
    assert ("ended after sql commit after insert into" in failure, ": 0 wei were paid" in failure) == (True, True)


def test_a_holder_that_wakes_and_commits_is_caught(campaign: Callable[..., Campaign]) -> None:
    """It was frozen between its look and its commit; both committed."""
    name = "committed without holding the fence"
    killed = campaign(name).run(named_only=True, about="notes")
    woken = campaign(name, wakes=True).run(named_only=True, failures_max=1, about="notes")

    assert (killed.failures, killed.stalls) == ([], 0)
    assert ["after it woke" in failure for failure in woken.failures] == [True]
    assert (woken.kills, woken.stalls > 0) == (0, True)


def test_a_point_that_was_not_killed_is_told(campaign: Callable[..., Campaign]) -> None:
    """A run that never comes by the point again proves nothing, and says so."""
    tally = campaign("another way every time").run(named_only=True)

    assert ["before sql select", "after sql select", "before sql commit", "after sql commit"] == [
        " ".join(one.split()[:3]) for one in tally.unreached
    ]
    assert tally.verdict == "4 NOT KILLED"


def test_points_are_named_alike_in_every_run() -> None:
    """SQL by its query's name, RPC by its methods, Redis by its commands."""
    from kernel.outbox.evm.store import Q

    assert sql_name(Q["store_payload"]) == "outbox.evm.store_payload"
    assert sql_name("select 1  from  nowhere where id = %(id)s") == "select 1 from nowhere where id"
    assert rpc_name(b'{"method": "eth_chainId"}') == "eth_chainId"
    assert rpc_name('[{"method": "b"}, {"method": "a"}, {"method": "b"}]') == "b+a"
    assert (rpc_name(b"no JSON"), rpc_name(None)) == ("post", "post")
    assert redis_name('["set", "key", 1]') == "redis SET"
    assert redis_name('[["GET", "key"], ["EVAL", "script"], ["GET", "other"]]') == "redis GET+EVAL"


def test_points_are_counted_from_their_first_to_their_last() -> None:
    """Each has two sides, also when the call fails; what happens inside a point or unwatched is none."""
    seen: list[Passing] = []
    points = Points(seen.append, {})
    with points.at("a"), points.at("inside"):
        pass
    with points.unwatched(), points.at("hidden"):
        pass
    with pytest.raises(ZeroDivisionError), points.at("a"):
        raise ZeroDivisionError

    assert [(Point("a", n), side) for n in (1, 2) for side in Side] == [(one.point, one.side) for one in seen]


def test_the_judge_passes_no_points_in_any_thread() -> None:
    """Pools ask from threads of their own, where `unwatched` of the asking thread is not known."""
    seen: list[Passing] = []
    points = Points(seen.append, {})
    points.end()

    def ask() -> None:
        with points.at("asked in a thread"):
            pass

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert seen == []


def test_time_outlives_a_process_and_differs_between_machines(tmp_path: Path) -> None:
    """Whoever advances it advances it for all; a skewed clock stays skewed."""
    here, there = SharedClock(tmp_path / "clock"), SharedClock(tmp_path / "clock", skew_s=-5.0)
    here.advance(60.0)
    there.sleep(1.0)

    assert here.now() == START + timedelta(seconds=61)
    assert there.now() == START + timedelta(seconds=56)


def test_an_unacknowledged_message_is_there_for_the_next_process(tmp_path: Path) -> None:
    """What was sent is delivered until somebody acknowledges it, and never before its moment."""
    clock = SharedClock(tmp_path / "clock")

    def queue() -> SurvivingQueue:
        return SurvivingQueue(tmp_path / "queue", clock, Points(lambda _: None, {}).at)

    queue().send("ops-pay", {"task_id": "1"}, delay_s=10, attributes={})
    early = queue().due()
    clock.advance(10.0)
    first, again = queue().due(), queue().due()
    assert first is not None
    queue().acknowledge(first)

    assert (early, first) == (None, again)
    assert queue().due() is None


def test_an_open_transaction_is_known_at_its_points() -> None:
    """Between BEGIN and COMMIT the process holds locks."""
    seen: list[Passing] = []
    points = Points(seen.append, {})
    for name in ("sql begin", "sql outbox.evm.entry", "sql commit after outbox.evm.entry"):
        with points.at(name):
            pass

    assert [False, True, True, True, True, False] == [one.held for one in seen]


def test_the_table_adds_up_and_tells_what_is_bad() -> None:
    """One line a campaign, and their sum."""
    good = told(Tally("evm", "one death", points=3, kills=6, seconds=2.0))
    bad = told(Tally("evm", "the holder wakes again", points=3, stalls=4, seconds=1.0, failures=["twice"]))

    lines = table([bad, good])

    assert ["evm one death 3 6 0 2 exactly once", "evm the holder wakes again 3 0 4 1 1 FAILED"] == [
        " ".join(line.split()) for line in lines[1:3]
    ]
    assert lines[3].split() == ["all", "6", "6", "4", "3", "1", "bad"]
