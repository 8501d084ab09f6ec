"""Failing over between real local HTTP servers: who is asked, who is left alone, and who comes back."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kernel.breaker import Breakers, CircuitOpen, State
from kernel.errors import Rejected
from kernel.failover import AllProvidersAway, Failover
from kernel.jsonrpc.endpoint import Endpoint, RpcRefused
from kernel.postgres import Postgres
from kernel.testing import FakeClock, InMemoryBoard

pytestmark = pytest.mark.integration
NAMES = ("api:one", "api:two", "api:three")


class Provider:
    """A JSON-RPC server on the loopback that answers, answers 503, or refuses, as told, and counts its calls."""

    def __init__(self, name: str) -> None:
        self.name, self.mode, self.calls = name, "answers", 0
        provider = self

        class Server(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                provider.calls += 1
                status, body = provider.answer()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = Endpoint(f"http://127.0.0.1:{self.server.server_port}", timeout_s=5.0)

    def answer(self) -> tuple[int, bytes]:
        if self.mode == "is away":
            return 503, b"{}"
        if self.mode == "refuses":
            return 200, json.dumps({"id": 1, "error": {"code": 3, "message": "execution reverted"}}).encode()
        return 200, json.dumps({"id": 1, "result": self.name}).encode()

    def close(self) -> None:
        self.endpoint.close()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def providers() -> Iterator[dict[str, Provider]]:
    started = {name: Provider(name) for name in NAMES}
    yield started
    for one in started.values():
        one.close()


@pytest.fixture
def breakers(database_url: str, clock: FakeClock) -> Iterator[Breakers]:
    breakers = Breakers(Postgres(database_url), InMemoryBoard(clock), clock)
    yield breakers
    breakers.close()


@pytest.fixture
def ask(providers: dict[str, Provider]) -> Callable[[str], Any]:
    return lambda name: providers[name].endpoint.call("who", [])


def failover(breakers: Breakers, clock: FakeClock, **options: Any) -> Failover:
    return Failover(NAMES, breakers, clock, jitter=lambda: 1.0, **options)


def counts(providers: dict[str, Provider]) -> list[int]:
    return [providers[name].calls for name in NAMES]


def test_the_first_that_answers_is_enough(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """In the configured order, as long as nobody failed; and who answered stays the first choice."""
    answers = [failover(breakers, clock).call(ask) for _ in range(3)]

    assert answers == ["api:one"] * 3
    assert counts(providers) == [3, 0, 0]


def test_a_provider_that_failed_is_passed_over_and_then_left_alone(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """The caller gets the next one's answer at once; three failures open the breaker, for five minutes."""
    providers["api:one"].mode = "is away"
    choice = failover(breakers, clock)
    first = choice.call(ask)
    # Degraded, it comes after those who answer; two more failures by callers that have no other choice.
    for _ in range(2):
        with suppress(AllProvidersAway):
            Failover(["api:one"], breakers, clock, rounds=1).call(ask)
    with pytest.raises(AllProvidersAway) as refused:
        Failover(["api:one"], breakers, clock).call(ask)

    assert first == "api:two"
    assert breakers.condition("api:one").state is State.CIRCUIT_OPEN
    assert refused.value.retry_after_s == 300
    assert [choice.call(ask) for _ in range(5)] == ["api:two"] * 5
    assert counts(providers) == [3, 6, 0]
    assert clock.slept_s == []


def test_a_provider_comes_back_through_one_probe(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """After five minutes one call tries it first; while it still fails, the same caller is served by the next one."""
    providers["api:one"].mode = "is away"
    for _ in range(3):
        breakers.failed("api:one", "timeout")
    clock.advance(300)
    served = failover(breakers, clock).call(ask)
    clock.advance(300)
    providers["api:one"].mode = "answers"

    assert served == "api:two"
    assert failover(breakers, clock).call(ask) == "api:one"
    assert counts(providers) == [2, 1, 0]


def test_health_checks_probe_in_place_of_callers(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """Every thirty seconds at most, whoever is due is pinged; nobody's work is the guinea pig."""
    choice = failover(breakers, clock, ping=ask)
    for _ in range(3):
        breakers.failed("api:one", "timeout")
    clock.advance(300)
    answer = choice.call(lambda name: (name, ask(name)))

    # The ping closed it: degraded, it stands behind those that nobody has heard a complaint of.
    assert (answer, breakers.condition("api:one").state) == (("api:two", "api:two"), State.DEGRADED)
    assert counts(providers) == [1, 1, 0]


def test_a_ping_that_fails_harms_nobody(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """The call goes to the others, and the next check waits for its time."""
    providers["api:one"].mode = "is away"
    choice = failover(breakers, clock, ping=ask)
    for _ in range(3):
        breakers.failed("api:one", "timeout")
    clock.advance(300)

    assert [choice.call(ask) for _ in range(4)] == ["api:two"] * 4
    assert counts(providers) == [1, 4, 0]
    assert breakers.condition("api:one").state is State.CIRCUIT_OPEN


def test_a_refusal_is_an_answer(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """Every provider would say the same, so nobody else is asked, and nobody's breaker counts it."""

    def decline(_: str) -> None:
        raise Rejected

    providers["api:one"].mode = "refuses"
    with pytest.raises(RpcRefused):
        failover(breakers, clock).call(ask)
    with pytest.raises(Rejected):
        failover(breakers, clock).call(decline)

    assert counts(providers) == [1, 0, 0]
    assert breakers.condition("api:one").failures == 0


def test_with_all_away_it_backs_off_and_then_says_so(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """Three rounds with growing pauses; then nobody is asked before the first one may be tried again."""
    for provider in providers.values():
        provider.mode = "is away"
    with pytest.raises(AllProvidersAway) as refused:
        failover(breakers, clock).call(ask)
    with pytest.raises(AllProvidersAway) as again:
        failover(breakers, clock).call(ask)

    assert counts(providers) == [3, 3, 3]
    assert clock.slept_s == [0.2, 0.4]
    assert refused.value.details == {"providers": ", ".join(f"{name}: endpoint_unavailable" for name in NAMES)}
    assert again.value.details == {"providers": ", ".join(f"{name}: {CircuitOpen.code}" for name in NAMES)}


def test_one_that_recovers_between_two_rounds_serves(
    breakers: Breakers, clock: FakeClock, providers: dict[str, Provider], ask: Callable[[str], Any]
) -> None:
    """Backing off is worth it."""
    for provider in providers.values():
        provider.mode = "is away"

    class Recovery(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            providers["api:three"].mode = "answers"

    assert failover(breakers, Recovery(clock.now())).call(ask) == "api:three"
