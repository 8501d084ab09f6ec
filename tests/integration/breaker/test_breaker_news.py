"""What everybody is told of the breakers: each committed change, once, without what is private."""

from collections.abc import Iterator

import pytest

from kernel.breaker.lifecycle import Circuit, State
from kernel.breaker.news import public_name
from kernel.errors import CacheUnavailable
from kernel.testing.kernel import FakedKernel
from tests.integration.breaker.conftest import Fleet

pytestmark = pytest.mark.integration
HOST = "rpc:evm:1:long-secretive-name.quiknode.pro"


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role="counterpart_ops")
    yield kernel
    kernel.close()


def test_changes_are_published_and_nothing_else(kernel: FakedKernel) -> None:
    """Who connects late reads them in order; a verdict that changes nothing is no news."""
    for _ in range(7):
        kernel.breakers.failed("modal", "https://secret@modal is away")
    kernel.breakers.reset("modal", "person:ada", "it is well")
    told = [body for topic, body in kernel.news.published if topic == "system"]

    assert [one["state"] for one in told] == ["degraded", "circuit_open", "initializing"]
    assert [one["version"] for one in told] == sorted({one["version"] for one in told})
    assert {frozenset(one) for one in told} == {frozenset(("news", "dependency", "state", "since", "version"))}
    assert {one["since"] for one in told} == {kernel.clock.now().isoformat()}


def test_an_endpoint_s_host_is_not_told(kernel: FakedKernel) -> None:
    """Two endpoints of one chain are told apart all the same."""
    kernel.breakers.failed(HOST, "timeout")
    [(_, told)] = kernel.news.published
    names = {public_name(f"rpc:evm:1:{host}") for host in ("a.example", "b.example")}

    assert told["dependency"] == public_name(HOST) == "rpc:evm:1:4e3916"
    assert len(names) == 2
    assert [public_name(one) for one in ("postgres", "venue:kraken", "rpc:")] == ["postgres", "venue:kraken", "rpc:"]


def test_who_cannot_be_told_breaks_nothing(kernel: FakedKernel) -> None:
    """Redis is away: the change stands, and the next one is told."""
    kernel.news.failing = CacheUnavailable()
    kernel.breakers.failed("modal", "timeout")
    unheard, kernel.news.failing = list(kernel.news.published), None
    for _ in range(4):
        kernel.breakers.failed("modal", "timeout")

    assert unheard == []
    assert [body["state"] for _, body in kernel.news.published] == ["circuit_open"]


def test_a_change_is_committed_before_it_is_told(fleet: Fleet) -> None:
    """Whoever asks because of the news finds it in the record."""
    other, seen = fleet(), list[tuple[State, State]]()

    def tell(circuit: Circuit) -> None:
        seen.append((circuit.state, other.changes()[-1].to_state))

    fleet(tell=tell).failed("modal", "timeout")

    assert seen == [(State.DEGRADED, State.DEGRADED)]
