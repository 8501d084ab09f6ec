"""A WebSocket connection is closed."""

import json
from pathlib import Path

import pytest

from functions.ops.wiring import RealtimeDeps
from functions.ops.ws_connect import handler as connect
from functions.ops.ws_disconnect import handler
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/ws_disconnect.json").read_text(encoding="utf-8"))
CONNECT = json.loads(Path("events/ops/ws_connect.json").read_text(encoding="utf-8"))


def test_a_closed_connection_is_forgotten() -> None:
    """Also when it is told twice, or was never known."""
    deps = RealtimeDeps(FakedKernel("postgresql://127.0.0.1:1/none"))
    id_ = EVENT["requestContext"]["connectionId"]
    context = {**CONNECT["requestContext"], "connectionId": id_}
    connect.bind(deps)({**CONNECT, "requestContext": context}, None)
    before = deps.connections.is_open(id_)

    answers = [handler.bind(deps)(EVENT, None) for _ in range(2)]

    assert answers == [{"statusCode": 200}] * 2
    assert (before, deps.connections.is_open(id_)) == (True, False)
