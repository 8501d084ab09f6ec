"""Breakers and thresholds over HTTP: operators look, administrators act, every act is kept."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.ops.http_breakers import handler
from functions.ops.wiring import ROLE, Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from kernel.errors import Transient
from kernel.testing.kernel import FakedKernel
from tests.handlers.ops.purse import Context, event

pytestmark = pytest.mark.handlers
ROUTES = [
    ("GET", "/v1/ops/breakers", None, Role.OPERATOR),
    ("GET", "/v1/ops/breakers/changes", None, Role.OPERATOR),
    ("GET", "/v1/ops/thresholds", None, Role.OPERATOR),
    ("POST", "/v1/ops/breakers/kms/reset", {"reason": "it is well"}, Role.ADMIN),
    ("PUT", "/v1/ops/thresholds/breaker.default_threshold", {"value": "7", "reason": "noise"}, Role.ADMIN),
]


class NodeAway(Transient):
    """The node is away."""


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def call(kernel: FakedKernel, method: str, path: str, body: Any = None, role: Role | None = Role.ADMIN) -> Any:
    sent = event("http_breakers")
    headers = {name: value for name, value in sent["headers"].items() if name != "x-api-key"}
    if role is not None:
        headers["x-api-key"] = kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key
    if body is not None:
        headers["content-type"], sent["body"] = "application/json", json.dumps(body)
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = path
    sent["requestContext"]["http"]["method"] = method
    answer = handler.bind(Deps(kernel))({**sent, "headers": headers}, Context())
    return answer["statusCode"], json.loads(answer["body"])


def trip(kernel: FakedKernel, dependency: str = "kms") -> None:
    for _ in range(5):
        with pytest.raises(NodeAway), kernel.breakers.guard(dependency):
            raise NodeAway


def test_a_tripped_breaker_is_seen_and_reset(kernel: FakedKernel) -> None:
    """Its changes tell the story, with whoever reset it."""
    trip(kernel)
    _, seen = call(kernel, "GET", "/v1/ops/breakers")
    status, fresh = call(kernel, "POST", "/v1/ops/breakers/kms/reset", {"reason": "it is well"})
    _, told = call(kernel, "GET", "/v1/ops/breakers/changes")

    assert [("kms", "circuit_open", 1)] == [(one["dependency"], one["state"], one["trips"]) for one in seen["breakers"]]
    assert (200, False) == (status, fresh["state"] == "circuit_open")
    assert ["circuit_open", fresh["state"]] == [one["to_state"] for one in told["changes"]][-2:]
    assert ("breaker.reset", "dependency:kms") == next(
        (act.action, act.subject) for act in Audit(kernel.postgres).newest() if act.action.startswith("breaker")
    )
    with kernel.breakers.guard("kms"):
        pass


def test_changes_are_read_on_from_the_last(kernel: FakedKernel) -> None:
    """Nothing twice, nothing missing."""
    trip(kernel)
    _, first = call(kernel, "GET", "/v1/ops/breakers/changes")
    call(kernel, "POST", "/v1/ops/breakers/kms/reset", {"reason": "it is well"})
    sent = event("http_breakers")
    sent["rawQueryString"] = f"since={first['changes'][-1]['id']}"
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = "/v1/ops/breakers/changes"
    sent["headers"]["x-api-key"] = kernel.api_keys.issue(
        tier=Tier.ADMIN, role=Role.OPERATOR, label="a test", actor="a test"
    ).key
    second = json.loads(handler.bind(Deps(kernel))(sent, Context())["body"])

    assert ["it is well"] == [change["reason"] for change in second["changes"]]


def test_a_threshold_is_tuned_within_its_bounds(kernel: FakedKernel) -> None:
    """It is in force at once here, and the circuit opens by it."""
    path = "/v1/ops/thresholds/breaker.default_threshold"
    status, tuned = call(kernel, "PUT", path, {"value": "2", "reason": "a nervous day"})
    outside, refused = call(kernel, "PUT", path, {"value": "0", "reason": "never"})
    unknown, _ = call(kernel, "PUT", "/v1/ops/thresholds/breaker.nonsense", {"value": "1", "reason": "x"})
    _, listed = call(kernel, "GET", "/v1/ops/thresholds")

    assert (200, "2", "5") == (status, tuned["value"], tuned["default"])
    assert (400, "out_of_bounds", 404) == (outside, refused["error"]["code"], unknown)
    assert "2" == next(one["value"] for one in listed["thresholds"] if one["name"] == "breaker.default_threshold")


@pytest.mark.parametrize(("method", "path", "body", "needed"), ROUTES, ids=lambda value: str(value)[:30])
def test_roles(kernel: FakedKernel, method: str, path: str, body: Any, needed: Role) -> None:
    """Looking is for operators, acting for administrators."""
    trip(kernel)
    statuses = [call(kernel, method, path, body, role)[0] for role in (None, Role.VIEWER, Role.OPERATOR, Role.ADMIN)]

    assert [401, 403, 200 if needed is Role.OPERATOR else 403, 200] == statuses
