"""Webhooks over HTTP: administrators make receivers, see what each was told, and each act is recorded."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from functions.ops.http_webhooks import handler
from functions.ops.wiring import ROLE, Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from kernel.testing.kernel import FakedKernel
from tests.handlers.ops.purse import Context, event

pytestmark = pytest.mark.handlers
NOBODY = "0198c7a5-5f00-7000-8000-000000000001"
WANTED = {"owner": "service:bridge", "url": "https://hooks.example.org/in", "topics": ["bridge.*"]}


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


@pytest.fixture
def admin(kernel: FakedKernel) -> str:
    return kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="ada", actor="a test").key


def call(kernel: FakedKernel, key: str, method: str, path: str, body: Any = None, query: str = "") -> Any:
    sent = event("http_webhooks")
    sent |= {"rawPath": path, "rawQueryString": query, "body": None if body is None else json.dumps(body)}
    sent["headers"] |= {"x-api-key": key, "content-type": "application/json"}
    sent["requestContext"]["http"] |= {"method": method, "path": path}
    answer = handler.bind(Deps(kernel))(sent, Context())
    return answer["statusCode"], json.loads(answer["body"])


def made(kernel: FakedKernel, admin: str, **wanted: Any) -> Any:
    status, fresh = call(kernel, admin, "POST", "/v1/ops/webhooks", WANTED | wanted)
    assert 201 == status, fresh
    return fresh


def publish(kernel: FakedKernel, key: str) -> None:
    with kernel.postgres.transaction() as tx:
        kernel.webhooks.publish(tx, "bridge.order_filled", key, {"order": key})


def test_a_receiver_is_made_and_its_secret_shown_once(kernel: FakedKernel, admin: str) -> None:
    """In the first answer and nowhere else: not in the list, not in the record of acts."""
    fresh = made(kernel, admin)
    status, listed = call(kernel, admin, "GET", "/v1/ops/webhooks")
    (one,) = listed["endpoints"]
    acts = Audit(kernel.postgres).newest(subject=f"webhook_endpoint:{fresh['id']}")

    assert (200, fresh["id"], "enabled", ["bridge.*"]) == (status, one["id"], one["state"], one["topics"])
    assert fresh["secret"].startswith("whsec_")
    assert fresh["secret"] not in json.dumps(listed) + str(acts)
    assert [f"key:{admin.split('_')[1]}"] == [act.actor for act in acts]


def test_a_secret_is_replaced(kernel: FakedKernel, admin: str) -> None:
    """The list says until when the one before signs as well."""
    fresh = made(kernel, admin)
    status, other = call(kernel, admin, "POST", f"/v1/ops/webhooks/{fresh['id']}/secret", {"overlap_s": 3600})
    _, listed = call(kernel, admin, "GET", "/v1/ops/webhooks")

    assert (201, fresh["id"]) == (status, other["id"])
    assert fresh["secret"] != other["secret"]
    assert "2026-01-01T01:00:00Z" == listed["endpoints"][0]["previous_until"]


def test_a_receiver_is_turned_off_and_on(kernel: FakedKernel, admin: str) -> None:
    """With a reason, which the list shows and the record keeps."""
    fresh = made(kernel, admin)
    path = f"/v1/ops/webhooks/{fresh['id']}"
    off = call(kernel, admin, "POST", f"{path}/disable", {"reason": "their holiday"})
    on = call(kernel, admin, "POST", f"{path}/enable", {"reason": "back"})
    acts = Audit(kernel.postgres).newest(subject=f"webhook_endpoint:{fresh['id']}")

    assert (200, "disabled", "their holiday") == (off[0], off[1]["state"], off[1]["reason"])
    assert (200, "enabled", None) == (on[0], on[1]["state"], on[1]["reason"])
    assert ["webhooks.enable", "webhooks.disable", "webhooks.create"] == [act.action for act in acts]


def test_deliveries_are_shown_and_resent(kernel: FakedKernel, admin: str) -> None:
    """Page by page; one that is pending is not resent."""
    fresh = made(kernel, admin)
    for key in ("order-1", "order-2"):
        publish(kernel, key)
    path = f"/v1/ops/webhooks/{fresh['id']}/deliveries"
    _, first = call(kernel, admin, "GET", path, query="limit=1")
    (newest,) = first["deliveries"]
    _, rest = call(kernel, admin, "GET", path, query=f"cursor={newest['message_id']}")
    resend = f"{path}/{newest['message_id']}/resend"
    pending = call(kernel, admin, "POST", resend)
    with kernel.postgres.transaction() as tx:
        tx.execute("update kernel.webhook_deliveries set state = 'failed', ended_at = now()")
    resent = call(kernel, admin, "POST", resend)

    assert ("order-2", "pending", ["order-1"]) == (
        newest["business_key"],
        newest["state"],
        [one["business_key"] for one in rest["deliveries"]],
    )
    assert (409, "delivery_pending") == (pending[0], pending[1]["error"]["code"])
    assert (202, "pending", 0) == (resent[0], resent[1]["state"], resent[1]["attempts"])
    assert 3 == len(kernel.queue.sent)


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"url": "http://hooks.example.org/"}, 422, "webhook_url_unfit"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, 422, "webhook_url_unfit"),
        ({"url": "https://user:word@hooks.example.org/"}, 422, "webhook_url_unfit"),
        ({"owner": "person:evm:0x1"}, 400, "invalid_request"),
        ({"owner": "person:solana:" + "1" * 33}, 422, "no_wallet"),
        ({"owner": "ada"}, 400, "invalid_request"),
        ({"topics": []}, 400, "invalid_request"),
        ({"topics": ["*"]}, 400, "invalid_request"),
        ({"topics": ["bridge.*.x"]}, 400, "invalid_request"),
        ({"secret": "whsec_mine"}, 400, "invalid_request"),
    ],
)
def test_an_unfit_receiver_is_refused(
    kernel: FakedKernel, admin: str, wanted: dict[str, Any], status: int, code: str
) -> None:
    """Before anything is kept; nobody chooses a secret."""
    answer = call(kernel, admin, "POST", "/v1/ops/webhooks", WANTED | wanted)

    assert (status, code) == (answer[0], answer[1]["error"]["code"])
    assert [] == Deps(kernel).webhook_endpoints.all()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "secret", {}),
        ("POST", "enable", {"reason": "x"}),
        ("GET", "deliveries", None),
        ("POST", f"deliveries/{UUID(NOBODY)}/resend", None),
    ],
)
def test_what_there_is_not_is_not_found(kernel: FakedKernel, admin: str, method: str, path: str, body: Any) -> None:
    """And nothing is recorded."""
    before = Audit(kernel.postgres).head()

    assert 404 == call(kernel, admin, method, f"/v1/ops/webhooks/{NOBODY}/{path}", body)[0]
    assert before == Audit(kernel.postgres).head()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_administrators_see_where_webhooks_go(kernel: FakedKernel, role: Role) -> None:
    """A URL is often a password."""
    key = kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="bob", actor="a test").key

    assert 403 == call(kernel, key, "GET", "/v1/ops/webhooks")[0]
