"""Asks every dependency for a sign of life, all at once, and says how each stands.

A probe's answer is news for the dependency's breaker, too; so the state shown is the one that every container goes by,
and a dependency that nobody used for an hour is still looked at. Names carry hosts, never a URL or a credential.
"""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from functions.ops.adapters.chains import Chains
from kernel.breaker import Condition, State
from kernel.errors import CounterpartError, Transient
from kernel.jsonrpc.standings import Standing
from kernel.postgres import Queries
from kernel.wiring import Kernel

Q: Final = Queries.load(Path(__file__).with_name("health.sql"))
#: What takes longer than this is away; a health check that hangs is worse than none.
PROBE_S: Final = 3.0
#: Every deployment has this queue, and the ops role may look at it.
DEAD_LETTERS: Final = "dead-letters"
#: What the pool thinks of an endpoint, in the words of all dependencies.
STATES: Final = {
    Standing.INITIALIZING: State.INITIALIZING,
    Standing.ACTIVE: State.ACTIVE,
    Standing.DEGRADED: State.DEGRADED,
    Standing.DISTRUSTED: State.CIRCUIT_OPEN,
    Standing.WRONG_CHAIN: State.CIRCUIT_OPEN,
}


class ProbeLate(Transient):
    """The dependency gave no sign of life in time."""

    cause = "It is away, or the network between is."
    remedy = "Look at the dependency's own status page."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How one dependency stands; `latency_ms` and no `problem` when it answered just now."""

    name: str
    state: State
    latency_ms: float | None
    changed_at: datetime | None
    problem: str | None


class Vitals:
    """Every dependency of the bundle."""

    def __init__(self, kernel: Kernel, chains: Chains, *, providers: Collection[str] = ()) -> None:
        """providers: whom the settings name and nobody can probe from here, told of before anybody used them, too."""
        self._kernel, self._chains, self._providers = kernel, chains, providers

    def parts(self) -> list[Part]:
        """How each stands, after asking all of them at once; `PROBE_S` seconds at most."""
        answers = _asked_at_once({**self._probes(), "rpc": self._chains.standings})
        rpc = answers.pop("rpc")
        endpoints = rpc.found or []
        told = [self._part(name, answer) for name, answer in answers.items()]
        if rpc.problem is not None:  # which endpoints there are could not be found out
            told.append(_lost("rpc", rpc.problem))
        told += [_endpoint(chain, host, standing) for chain, host, standing in endpoints]
        told += self._alarms() if answers["postgres"].problem is None else []
        return told + self._others({part.name for part in told})

    def _alarms(self) -> list[Part]:
        """What needs a person, as services say it: everything may answer, and yet a service does not do its work."""
        with self._kernel.postgres.transaction() as tx:
            alarms = [str(row["alarm"]) for row in tx.all(Q["service_alarms"])]
        return [
            Part(name=f"alarm:{alarm}", state=State.DEGRADED, latency_ms=None, changed_at=None, problem=alarm)
            for alarm in alarms
        ]

    def _probes(self) -> dict[str, Callable[[], object]]:
        kernel = self._kernel
        return {
            "postgres": kernel.postgres.check_schema,
            "redis": lambda: kernel.cache.get("health"),
            "queues": lambda: kernel.queues.depth(DEAD_LETTERS),
            "kms": kernel.envelope.check,
            "offload": kernel.jobs.check,
        }

    def _part(self, name: str, answer: "Answer") -> Part:
        breakers = self._kernel.breakers
        if answer.problem is None:
            breakers.succeeded(name)
        else:
            breakers.failed(name, answer.problem.code)
        condition = breakers.condition(name)
        return Part(
            name=name,
            state=_state(condition, answer),
            latency_ms=answer.latency_ms,
            changed_at=condition.changed_at,
            problem=None if answer.problem is None else answer.problem.code,
        )

    def _others(self, told: set[str]) -> list[Part]:
        """Dependencies that only their users know: venues, providers. How they stand is what their breakers say."""
        breakers = self._kernel.breakers
        known = {one.dependency: one for one in breakers.conditions()}
        unused = {name: breakers.condition(name) for name in self._providers if name not in known}
        return [
            Part(name=name, state=one.state, latency_ms=None, changed_at=one.changed_at, problem=None)
            for name, one in (known | unused).items()
            if name not in told
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a probe: how long it took and what it found, or the problem."""

    latency_ms: float | None = None
    found: Any = None
    problem: CounterpartError | None = None


def _asked_at_once(probes: Mapping[str, Callable[[], object]]) -> dict[str, Answer]:
    threads = ThreadPoolExecutor(max_workers=len(probes), thread_name_prefix="health")
    asked = {name: threads.submit(_asked, probe) for name, probe in probes.items()}
    wait(asked.values(), timeout=PROBE_S)
    threads.shutdown(wait=False, cancel_futures=True)  # a probe that hangs must not hold the answer up
    return {name: one.result() if one.done() else Answer(problem=ProbeLate()) for name, one in asked.items()}


def _asked(probe: Callable[[], object]) -> Answer:
    began_s = time.monotonic()
    try:
        found = probe()
    except CounterpartError as away:
        return Answer(problem=away)
    return Answer(latency_ms=round((time.monotonic() - began_s) * 1000, 1), found=found)


def _state(condition: Condition, answer: Answer) -> State:
    """The breaker's, unless it has not heard yet (its own store may be what is away)."""
    if answer.problem is not None:
        return State.DEGRADED if condition.is_closed else condition.state
    return State.ACTIVE if condition.state is State.INITIALIZING else condition.state


def _lost(name: str, problem: CounterpartError) -> Part:
    return Part(name=name, state=State.DEGRADED, latency_ms=None, changed_at=None, problem=problem.code)


def _endpoint(chain: str, host: str, standing: Standing) -> Part:
    return Part(
        name=f"rpc:{chain}:{host}",
        state=STATES[standing],
        latency_ms=None,
        changed_at=None,
        problem=None if standing in {Standing.ACTIVE, Standing.INITIALIZING} else standing.value,
    )
