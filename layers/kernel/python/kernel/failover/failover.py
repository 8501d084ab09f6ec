"""Owns provider choice by health: ask the best one, fail over to the next, wait, and ask again.

1. Providers are asked in the order of their breakers' states, within one state as configured. One whose circuit is open
   is left out; three failures open it, for five minutes (`kernel.breaker.policy`, "provider").
2. A failure of a provider (silence, a time-out, a limit) goes to its breaker and the next one is asked. A refusal is an
   answer: it is raised at once, since every provider would say the same.
3. After a round in which nobody answered there is a pause that doubles, half of it left to chance, so that callers who
   failed together do not come back together.
4. With a `ping`, health checks probe: every `check_s` each provider whose circuit is due is pinged before the call, so
   that no caller's work is the guinea pig.
"""

import logging
import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from kernel.breaker.breakers import Breakers, CircuitOpen
from kernel.breaker.guarding import Verdict, told, verdict
from kernel.clock import Clock, SystemClock
from kernel.errors import Transient
from kernel.failover.order import order, pause_s

logger = logging.getLogger(__name__)

ROUNDS: Final = 3
CHECK_S: Final = 30.0

T = TypeVar("T")


class AllProvidersAway(Transient):
    """No provider answers."""

    cause = "Every configured provider failed or is left alone after failures; details name the last failure of each."
    remedy = "The work is tried again; look at the providers' states in /health if this lasts."
    example = '{"providers": "pinning:pinata: rpc_unavailable, pinning:filebase: circuit_open"}'


class Failover:
    """Several providers of one thing, each a dependency with a breaker."""

    def __init__(
        self,
        providers: Sequence[str],
        breakers: Breakers,
        clock: Clock | None = None,
        *,
        ping: Callable[[str], object] | None = None,
        rounds: int = ROUNDS,
        check_s: float = CHECK_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """ping: asks a provider something cheap, and raises when it does not answer."""
        if not providers or rounds < 1:
            raise ValueError("failing over needs at least one provider and one round")
        self._providers, self._breakers = tuple(providers), breakers
        self._clock: Clock = clock or SystemClock()
        self._ping, self._rounds, self._check_s, self._jitter = ping, rounds, check_s, jitter
        self._checked_at_s = float("-inf")

    def call(self, ask: Callable[[str], T]) -> T:
        """What the best provider that answers says. Raises AllProvidersAway, and what a provider refuses with."""
        self.check()
        failures: dict[str, str] = {}
        for round_number in range(1, self._rounds + 1):
            for provider in self._in_order():
                try:
                    with self._breakers.guard(provider):
                        return ask(provider)
                except Exception as error:  # a provider may fail in any way; what is no failure of its own is raised
                    if not isinstance(error, CircuitOpen) and verdict(error) is not Verdict.FAILED:
                        raise
                    failures[provider] = told(error)
            if round_number < self._rounds and self._in_order():
                self._clock.sleep(pause_s(round_number, jitter=self._jitter()))
        raise self._away(failures)

    def check(self) -> None:
        """Ping the providers whose circuits are due, at most every `check_s`; nothing without a ping."""
        now_s = self._clock.time_s()
        if self._ping is None or now_s - self._checked_at_s < self._check_s:
            return
        self._checked_at_s = now_s
        for provider in self._providers:
            condition = self._breakers.condition(provider)
            if condition.is_closed or (condition.wait_s or 0.0) > 0:
                continue
            try:
                with self._breakers.guard(provider):
                    self._ping(provider)
            except Exception as error:  # a ping may fail in any way, and only tells that it did
                logger.info("A provider is still away.", extra={"provider": provider, "code": told(error)})

    def _in_order(self) -> list[str]:
        conditions = [self._breakers.condition(provider) for provider in self._providers]
        return order(conditions, probes_first=self._ping is None)

    def _away(self, failures: dict[str, str]) -> AllProvidersAway:
        waits = [self._breakers.condition(provider).wait_s or 0.0 for provider in self._providers]
        known = (f"{provider}: {failures.get(provider, CircuitOpen.code)}" for provider in self._providers)
        away = AllProvidersAway(providers=", ".join(known))
        away.retry_after_s = max(Transient.retry_after_s, min(waits))
        return away
