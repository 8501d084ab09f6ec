"""A hypothesis state machine: three containers on a real record and board against a model of a few lines.

Two containers share Redis, the third never reaches it. Calls begin and end in any order, holders of probes go silent,
Redis forgets everything, operators reset. As much time passes before each look as a board may lag behind, and views are
read anew for each question, so that the model needs no memory of who saw what when. It knows nothing of the transition
table: it says in its own words what must come of each step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from redis import Redis

from infra.local.redis import RedisRest
from kernel.breaker import Admission, BreakerPolicy, Breakers, Policies, UpstashBoard, Verdict
from kernel.breaker.board import STALE_AFTER_MS
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.upstash import Upstash
from tests.machines import run_machine

pytestmark = pytest.mark.integration
NAME = "modal"
POLICY = BreakerPolicy(threshold=3)
LAG_S = STALE_AFTER_MS / 1000


@dataclass(frozen=True)
class Call:
    """A call under way: who made it, by what leave, and which probe or era of the model it belongs to."""

    caller: Breakers
    leave: Admission
    era: int
    probe: int | None


@dataclass
class Model:
    """What must be, in plain words."""

    open_since: float | None = None
    has_probe: bool = False
    probe: int = 0  # the number of the newest probe
    probe_since: float = 0.0
    era: int = 0  # how often it opened or was reset
    failures: list[float] = field(default_factory=list)
    healthy_from: float | None = None  # None: nothing ever went wrong
    was_answered: bool = False

    def state(self) -> str:
        if self.open_since is not None:
            return "recovering" if self.has_probe else "circuit_open"
        if self.healthy_from is not None:
            return "degraded"
        return "active" if self.was_answered else "initializing"

    def may_probe(self, now: float) -> bool:
        if self.open_since is None:
            return False
        return now >= (self.probe_since + POLICY.check_s if self.has_probe else self.open_since + POLICY.reset_s)

    def fail(self, now: float) -> None:
        self.failures = [at for at in self.failures if at > now - POLICY.window_s] + [now]
        if len(self.failures) == POLICY.threshold:
            self.open(now)
        else:
            self.healthy_from = max(self.healthy_from or 0.0, now + POLICY.window_s)

    def open(self, now: float) -> None:
        self.open_since, self.has_probe, self.era = now, False, self.era + 1

    def answer(self, now: float) -> None:
        if self.open_since is None and (self.healthy_from is None or now >= self.healthy_from):
            self.was_answered, self.healthy_from, self.failures = True, None, []

    def close(self, now: float) -> None:
        self.open_since, self.has_probe, self.failures = None, False, []
        self.healthy_from, self.was_answered = now + POLICY.healthy_s, True


class BreakerLife(RuleBasedStateMachine):
    """Steps of callers, operators, Redis and time."""

    doors: Sequence[tuple[Postgres, UpstashBoard | None]]
    redis: Redis
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.model = FakeClock(), Model()
        self.start_s, self.turn = self.clock.time_s(), 0
        self.redis.flushall()
        with self.doors[0][0].transaction() as tx:
            tx.execute("truncate kernel.breakers, kernel.breaker_changes")
        policies = Policies(fixed={"*": POLICY})
        self.fleet = [Breakers(postgres, board, self.clock, policies, view_s=0.0) for postgres, board in self.doors]

    def teardown(self) -> None:
        changes = self.fleet[0].changes(limit=1_000)
        assert [change.to_state for change in changes[:-1]] == [change.from_state for change in changes[1:]]
        assert [change.to_state.value for change in changes[-1:]] in ([], [self.model.state()])
        assert sum(change.event == "probe" for change in changes) == self.model.probe

    @property
    def now(self) -> float:
        return self.clock.time_s() - self.start_s

    @rule(seconds=st.sampled_from([0.5, 10.0, 30.0, 60.0, 120.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.model.open_since is not None)
    @rule()
    def redis_forgets(self) -> None:
        self.redis.flushall()

    @rule(target=calls, who=st.integers(0, 2))
    def begin(self, who: int) -> Any:
        call = self._begun(who)
        return multiple() if call is None else call

    def _begun(self, who: int) -> Call | None:
        may_probe, is_closed = self.model.may_probe(self.now), self.model.open_since is None
        leave = self.fleet[who].admit(NAME)
        assert isinstance(leave, Admission) == (is_closed or may_probe)
        if not isinstance(leave, Admission):
            return None
        assert (leave.token is not None) == may_probe
        if may_probe:
            self.model.has_probe, self.model.probe = True, self.model.probe + 1
            self.model.probe_since = self.now
        return Call(self.fleet[who], leave, self.model.era, self.model.probe if may_probe else None)

    @rule(who=st.integers(0, 2), failures=st.integers(2, 3))
    def calls_fail(self, who: int, failures: int) -> None:
        self._fail_times(who, failures)

    def _fail_times(self, who: int, failures: int) -> None:
        for _ in range(failures):
            call = self._begun(who)
            if call is not None:
                self._failed(call)

    @initialize(failures=st.integers(0, 3))
    def begin_with_failures(self, failures: int) -> None:
        self._fail_times(0, failures)

    @rule(who=st.integers(0, 2))
    def a_call_is_answered(self, who: int) -> None:
        call = self._begun(who)
        if call is not None:
            self._answered(call)

    @rule(call=calls)
    def answer(self, call: Call) -> None:
        self._answered(call)

    def _answered(self, call: Call) -> None:
        call.caller.settle(call.leave, Verdict.ANSWERED, "answered")
        if call.probe is None:
            self.model.answer(self.now)
        elif self._holds(call):
            self.model.close(self.now)

    @rule(call=calls)
    def fail(self, call: Call) -> None:
        self._failed(call)

    def _failed(self, call: Call) -> None:
        call.caller.settle(call.leave, Verdict.FAILED, "timeout")
        if call.probe is not None:
            if self._holds(call):
                self.model.open(self.now)
        elif self.model.open_since is None and call.era == self.model.era:
            self.model.fail(self.now)

    @rule(call=calls)
    def cannot_tell(self, call: Call) -> None:
        call.caller.settle(call.leave, Verdict.UNKNOWN, "ValueError")
        if self._holds(call):
            self.model.has_probe, self.model.open_since = False, self.now - POLICY.reset_s

    @precondition(lambda self: self.model.has_probe)
    @rule(who=st.integers(0, 2))
    def reset(self, who: int) -> None:
        self.fleet[who].reset(NAME, "ada", "moved")
        self.model = Model(era=self.model.era + 1, probe=self.model.probe)

    @invariant()
    def a_container_sees_what_must_be(self) -> None:
        self.clock.advance(LAG_S)
        self.turn += 1  # one after the other, since each look costs round trips
        assert self.fleet[self.turn % 3].condition(NAME).state == self.model.state()

    def _holds(self, call: Call) -> bool:
        return self.model.has_probe and call.probe == self.model.probe


@pytest.mark.timeout(3_600)
def test_whatever_happens_the_breaker_does_what_the_model_says(
    database_url: str, redis_rest: RedisRest, upstash: Upstash, volume: Callable[[int, int], int]
) -> None:
    """Every order of calls, verdicts, silences, resets, lost boards and time."""
    doors = [(Postgres(database_url), board) for board in (UpstashBoard(upstash), UpstashBoard(upstash), None)]
    redis = Redis(unix_socket_path=str(redis_rest.socket))
    machine = type("BreakerLife", (BreakerLife,), {"doors": doors, "redis": redis})
    run_machine(machine, examples=volume(25, 1_000))
    for postgres, _ in doors:
        postgres.close()
    redis.close()
