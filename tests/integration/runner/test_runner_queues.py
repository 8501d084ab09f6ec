"""SQS semantics that Counterpart leans on: delay, partial failure, redelivery, dead letters, chaos."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.runner.chaos import Chaos
from infra.local.runner.runner import Runner
from tests.integration.runner.conftest import Probe, StartProbe

pytestmark = pytest.mark.integration
VISIBILITY_S = 2
RECEIVES_MAX = 5


def test_delayed_message_is_not_early(probe: Probe) -> None:
    """DelaySeconds is honoured: never early, and late by no more than a polling interval."""
    sent_at = time.time()
    probe.send({"name": "late"}, delay_s=2)

    assert probe.wait(lambda: probe.names() == ["late"])
    assert 2.0 <= probe.seen()[0]["at"] - sent_at < 6.0


def test_partial_failure_redelivers_only_the_failed(probe: Probe) -> None:
    """Of a batch, the reported message comes back after its visibility time-out; the others are deleted."""
    probe.send({"name": "good"}, {"name": "bad", "fail": True}, {"name": "fine"})

    assert probe.wait(lambda: probe.names().count("bad") >= 2)
    assert sorted(set(probe.names())) == ["bad", "fine", "good"]
    assert [1, 1] == [probe.names().count(name) for name in ("good", "fine")]
    first, second = [line["at"] for line in probe.seen() if line["name"] == "bad"][:2]
    assert second - first >= VISIBILITY_S - 0.1


def test_poison_goes_to_the_dead_letters(probe: Probe) -> None:
    """A message that always fails is received five times, then lies in the dead-letter queue."""
    probe.send({"name": "poison", "fail": True})

    assert probe.wait(lambda: probe.stack.depth("DeadLetters")["visible"] == 1, timeout_s=40)
    assert ["poison"] * RECEIVES_MAX == probe.names()
    assert probe.is_settled()


def test_message_of_a_killed_container_comes_back(probe: Probe) -> None:
    """SIGKILL in mid-invocation: the log names it, and the message is redelivered to a new container."""
    probe.send({"name": "victim", "die_once": True})

    assert probe.wait(lambda: probe.names() == ["victim", "victim"])
    first, second = probe.seen()
    assert first["pid"] != second["pid"]
    assert second["at"] - first["at"] >= VISIBILITY_S - 0.1
    assert "Runtime exited with error: signal: killed" in probe.stack.log()
    assert "1 message(s) of EchoQueue stay until their visibility time-out" in probe.stack.log()


def test_stack_kill_loses_no_message(probe: Probe) -> None:
    """kill() ends the containers of a function at once; what they held is delivered again."""
    probe.send({"name": "held", "sleep_s": 1})
    assert probe.wait(lambda: probe.names() == ["held"])

    killed = probe.stack.kill("queue_echo")

    assert [line["pid"] for line in probe.seen()] == killed
    assert probe.wait(lambda: probe.names() == ["held", "held"])
    assert probe.wait(probe.is_settled)


def test_time_out_kills_and_redelivers(probe: Probe) -> None:
    """A function past its time-out is killed, reported as Lambda does, and its message comes back."""
    probe.send({"name": "endless", "sleep_s": 30})

    assert probe.wait(lambda: probe.names().count("endless") >= 2)
    # The copy may come back while the first call is still being killed and reported.
    assert probe.wait(lambda: "Task timed out after 2.00 seconds" in probe.stack.log())
    assert probe.wait(lambda: probe.seen()[0]["pid"] not in probe.stack.pids("queue_echo"))


def test_time_out_leaves_no_container(probe: Probe) -> None:
    """The process that overran is gone as soon as its time-out is reported."""
    done = probe.stack.invoke("http_slow")

    assert ("Sandbox.Timedout", "Task timed out after 1.00 seconds") == (done.error_type, done.error)
    assert probe.wait(lambda: not Path(f"/proc/{done.pid}").exists(), timeout_s=5)


def test_warm_container_is_used_again_and_many_run_side_by_side(probe: Probe) -> None:
    """One after the other share a container; at once they have one each, up to maximumConcurrency."""
    pids = {probe.stack.fire("cron_minute").pid for _ in range(3)}
    probe.send({"name": "first", "sleep_s": 1.5})
    assert probe.wait(lambda: probe.names() == ["first"])
    probe.send({"name": "second"})

    assert len(pids) == 1
    assert probe.wait(lambda: probe.names() == ["first", "second"])
    assert len({line["pid"] for line in probe.seen()}) == 2


def test_paused_stack_keeps_its_messages(probe: Probe) -> None:
    """While paused nothing is delivered; resume() delivers what waited."""
    probe.stack.pause()
    probe.send({"name": "patient"})
    time.sleep(1.5)
    before = probe.names()

    probe.stack.resume()

    assert before == []
    assert probe.wait(lambda: probe.names() == ["patient"])


def test_stopped_stack_goes_on_where_it_was(probe: Probe) -> None:
    """stop() ends every container; start() again finds the messages that came meanwhile."""
    probe.stack.fire("cron_minute")
    probe.stack.stop()
    living = probe.stack.pids()
    probe.send({"name": "meanwhile"})

    probe.stack.start()

    assert living == []
    assert probe.wait(lambda: probe.names() == ["meanwhile"])


def test_chaos_duplicates_every_message(start_probe: StartProbe, start_runner: Callable[[Chaos], Runner]) -> None:
    """duplicate=1: each message is delivered exactly twice, under one message id."""
    probe = start_probe(runner=start_runner(Chaos(seed=7, duplicate=1.0, delay_ms=100)))
    probe.send({"name": "a"}, {"name": "b"})

    assert probe.wait(lambda: len(probe.names()) == 4)
    assert sorted(probe.names()) == ["a", "a", "b", "b"]
    assert len({line["record"]["messageId"] for line in probe.seen()}) == 2


def test_chaos_reorders_messages(start_probe: StartProbe, start_runner: Callable[[Chaos], Runner]) -> None:
    """reorder: messages overtake each other, and none is lost."""
    probe = start_probe(runner=start_runner(Chaos(seed=3, reorder=0.7, delay_ms=800)))
    sent = [str(number) for number in range(10)]
    probe.send(*({"name": name} for name in sent))

    assert probe.wait(lambda: len(probe.names()) == len(sent))
    assert sorted(sent) == sorted(probe.names())
    assert probe.names() != sent
