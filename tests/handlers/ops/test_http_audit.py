"""The record of privileged acts over HTTP: who may read it, and that the kernel's own acts are in it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.ops.http_audit import handler
from functions.ops.wiring import ROLE, Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from kernel.errors import Broken
from kernel.tasks import Task, TaskSpec
from kernel.testing.kernel import FakedKernel
from kernel.tunables import Tunable, Tunables

pytestmark = pytest.mark.handlers
LIST = json.loads(Path("events/ops/http_audit.json").read_text(encoding="utf-8"))


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


@pytest.fixture
def audit(kernel: FakedKernel) -> Audit:
    return Audit(kernel.postgres, kernel.clock)


def key(kernel: FakedKernel, role: Role) -> str:
    return kernel.api_keys.issue(tier=Tier.PUBLIC, role=role, label="a test", actor="a test").key


def call(kernel: FakedKernel, api_key: str | None, path: str = "/v1/ops/audit", query: str = "") -> Any:
    headers = {name: value for name, value in LIST["headers"].items() if name != "x-api-key"}
    context = LIST["requestContext"]
    event = {
        **LIST,
        "headers": headers | ({"x-api-key": api_key} if api_key else {}),
        "rawPath": path,
        "rawQueryString": query,
        "requestContext": {**context, "http": {**context["http"], "path": path}},
    }
    answer = handler.bind(Deps(kernel))(event, None)
    return answer["statusCode"], json.loads(answer["body"])


def test_the_kernels_own_privileged_acts_are_recorded(kernel: FakedKernel, audit: Audit) -> None:
    """Whoever calls them, and whatever handler or shell it comes from."""
    issued = kernel.api_keys.issue(tier=Tier.PUBLIC, role=Role.VIEWER, label="a customer", actor="key:ada")
    kernel.api_keys.revoke(issued.prefix, actor="key:bob")
    [id_] = kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=kernel.clock.now())]
    )
    task = kernel.tasks.claim(id_, "w", 30)
    assert isinstance(task, Task)
    kernel.tasks.finish(task.fence, Broken("It broke."))
    kernel.tasks.replay(id_, "key:cyd")
    spread = Tunable(name="ops.spread", default=5, minimum=1, maximum=9, unit="bps", meaning="A test's.")
    Tunables(kernel.postgres, [spread]).set("ops.spread", Decimal(7), actor="key:dee", reason="thin market")

    assert [
        ("key:ada", "api_keys.issue", f"api_key:{issued.prefix}"),
        ("key:bob", "api_keys.revoke", f"api_key:{issued.prefix}"),
        ("key:cyd", "tasks.replay", f"task:{id_}"),
        ("key:dee", "tunables.set", "tunable:ops.spread"),
    ] == [(link.actor, link.action, link.subject) for link in reversed(audit.newest())]
    assert 4 == audit.verify().seq


def test_an_act_that_is_refused_leaves_no_record(kernel: FakedKernel, audit: Audit) -> None:
    """The record commits with the act, or not at all."""
    [id_] = kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=kernel.clock.now())]
    )
    with pytest.raises(Exception, match="is not replayed"):
        kernel.tasks.replay(id_, "key:cyd")

    assert [] == audit.newest()


def test_administrators_read_it_page_by_page(kernel: FakedKernel) -> None:
    """Newest first; of one subject where it is named."""
    admin = key(kernel, Role.ADMIN)
    others = [kernel.api_keys.issue(tier=Tier.PUBLIC, role=Role.VIEWER, label=f"{i}", actor="key:ada") for i in (1, 2)]

    status, first = call(kernel, admin, query="limit=2")
    _, second = call(kernel, admin, query=f"limit=2&cursor={first['next_cursor']}")
    _, one = call(kernel, admin, query=f"subject=api_key:{others[0].prefix}")

    assert 200 == status
    assert [3, 2, 1] == [act["seq"] for act in first["acts"] + second["acts"]]
    assert {"tier": "public", "role": "viewer", "label": "2"} == first["acts"][0]["details"]
    assert [2] == [act["seq"] for act in one["acts"]]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("role", "may_read", "may_compare"),
    [(None, 401, 401), (Role.VIEWER, 403, 403), (Role.OPERATOR, 403, 200), (Role.ADMIN, 200, 200)],
)
def test_roles(kernel: FakedKernel, role: Role | None, may_read: int, may_compare: int) -> None:
    """The acts are for administrators; the head alone tells nothing, and operators note it."""
    api_key = key(kernel, role) if role else None

    assert may_read == call(kernel, api_key)[0]
    assert may_compare == call(kernel, api_key, "/v1/ops/audit/head")[0]
