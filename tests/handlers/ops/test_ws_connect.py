"""A WebSocket connection is made."""

import json
from pathlib import Path

import pytest

from functions.ops.wiring import RealtimeDeps
from functions.ops.ws_connect import handler
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/ws_connect.json").read_text(encoding="utf-8"))
ID = EVENT["requestContext"]["connectionId"]


@pytest.fixture
def kernel() -> FakedKernel:
    return FakedKernel("postgresql://127.0.0.1:1/none")


def test_a_connection_is_registered_for_two_hours(kernel: FakedKernel) -> None:
    """As long as API Gateway keeps one open, and no longer."""
    deps, clock = RealtimeDeps(kernel), kernel.clock
    assert isinstance(clock, FakeClock)

    answer = handler.bind(deps)(EVENT, None)

    assert answer == {"statusCode": 200}
    assert deps.connections.is_open(ID)
    clock.advance(2 * 60 * 60)
    assert not deps.connections.is_open(ID)


def test_with_redis_down_the_connection_is_refused(kernel: FakedKernel) -> None:
    """Nobody could be reached, so nobody is let in; the reason is told."""
    kernel.memory.down = True

    answer = handler.bind(RealtimeDeps(kernel))(EVENT, None)

    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["error"]["code"] == "cache_unavailable"
