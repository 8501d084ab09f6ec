"""A WebSocket message without a route of its own."""

import json
from pathlib import Path

import pytest

from functions.ops.wiring import RealtimeDeps
from functions.ops.ws_default import handler
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/ws_default.json").read_text(encoding="utf-8"))


@pytest.fixture
def deps() -> RealtimeDeps:
    return RealtimeDeps(FakedKernel("postgresql://127.0.0.1:1/none"))


def test_a_ping_is_answered_with_a_pong(deps: RealtimeDeps) -> None:
    """With our time, so that a client can tell its clock."""
    answer = handler.bind(deps)(EVENT, None)

    assert json.loads(answer["body"]) == {"type": "pong", "time": "2026-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"action": "dance"}', "unknown_action"),
        ("{}", "unknown_action"),
        ('{"action": 7}', "unknown_action"),
        ("", "unknown_action"),
        ("[]", "invalid_request"),
        ("nonsense", "invalid_request"),
        ('{"action": NaN}', "invalid_request"),
        ("[" * 100_000, "invalid_request"),
    ],
    ids=["unknown", "missing", "number", "empty", "list", "text", "nan", "bottomless"],
)
def test_anything_else_is_answered_with_an_error(deps: RealtimeDeps, body: str, code: str) -> None:
    """A message of type error in the house's shape, under the request's id."""
    answer = json.loads(handler.bind(deps)({**EVENT, "body": body}, None)["body"])

    assert (answer["type"], answer["error"]["code"]) == ("error", code)
    assert answer["error"]["request_id"] == EVENT["requestContext"]["requestId"]
