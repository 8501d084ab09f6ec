"""Parked tasks over HTTP: who may see and replay them, and what happens when Redis or Postgres is down."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from functions.ops.http_tasks import handler
from functions.ops.wiring import ROLE, Deps
from kernel.auth import Role, Tier
from kernel.errors import Broken
from kernel.tasks import Task, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
LIST = json.loads(Path("events/ops/http_tasks.json").read_text(encoding="utf-8"))
REPLAY = json.loads(Path("events/ops/http_tasks.replay.json").read_text(encoding="utf-8"))

Answer = tuple[int, dict[str, Any], dict[str, str]]


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def key(kernel: FakedKernel, role: Role, tier: Tier = Tier.PUBLIC) -> dict[str, str]:
    return {"x-api-key": kernel.api_keys.issue(tier=tier, role=role, label="a test", actor="a test").key}


def park(kernel: FakedKernel, name: str) -> UUID:
    """A task that broke."""
    [id_] = kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key=name, payload={}, run_at=kernel.clock.now())]
    )
    task = kernel.tasks.claim(id_, "w", 30)
    assert isinstance(task, Task)
    kernel.tasks.finish(task.fence, Broken("It broke."))
    return id_


def call(kernel: FakedKernel, event: Mapping[str, Any], headers: Mapping[str, str], **changes: Any) -> Answer:
    """Status, body and headers of the answer to the committed event with these credentials."""
    kept = {name: value for name, value in event["headers"].items() if name != "x-api-key"}
    answer = handler.bind(Deps(kernel))({**event, "headers": kept | dict(headers), **changes}, None)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def listed(kernel: FakedKernel, headers: Mapping[str, str], query: str = "") -> Answer:
    return call(kernel, LIST, headers, rawQueryString=query)


def replayed(kernel: FakedKernel, headers: Mapping[str, str], id_: object) -> Answer:
    path = f"/v1/ops/tasks/{id_}/replay"
    context = REPLAY["requestContext"]
    http = {**context["http"], "path": path}
    return call(kernel, REPLAY, headers, rawPath=path, requestContext={**context, "http": http})


def test_operators_see_parked_tasks_page_by_page(kernel: FakedKernel) -> None:
    """Newest first, with the error; the cursor goes on where the page ended."""
    ids = [str(park(kernel, f"round-{i}")) for i in range(3)]
    operator = key(kernel, Role.OPERATOR)

    status, first, _ = listed(kernel, operator, "limit=2")
    _, second, _ = listed(kernel, operator, f"limit=2&cursor={first['next_cursor']}")

    assert status == 200
    assert [task["id"] for task in first["tasks"] + second["tasks"]] == ids[::-1]
    assert second["next_cursor"] is None
    assert (first["tasks"][0]["error_code"], first["tasks"][0]["error"]) == ("broken", "It broke.")


def test_a_kind_narrows_the_list(kernel: FakedKernel) -> None:
    """Only that kind's tasks."""
    park(kernel, "round-1")
    operator = key(kernel, Role.OPERATOR)

    assert len(listed(kernel, operator, "kind=oracle.commit")[1]["tasks"]) == 1
    assert len(listed(kernel, operator, "kind=oracle.reveal")[1]["tasks"]) == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "kind=Oracle", "cursor=1", "state=ready"])
def test_an_unfit_query_is_refused_by_name(kernel: FakedKernel, query: str) -> None:
    """400 invalid_request that names the parameter."""
    status, body, _ = listed(kernel, key(kernel, Role.OPERATOR), query)

    assert (status, body["error"]["code"]) == (400, "invalid_request")
    assert body["error"]["details"]["fields"][0]["field"] == f"query.{query.split('=', maxsplit=1)[0]}"


def test_an_administrator_replays_a_task(kernel: FakedKernel) -> None:
    """It is ready again, its message is sent, and who did it is recorded."""
    id_ = park(kernel, "round-1")
    kernel.queue.sent.clear()

    status, body, _ = replayed(kernel, key(kernel, Role.ADMIN), id_)

    assert (status, body) == (200, {"id": str(id_)})
    assert kernel.tasks.get(id_).state == "ready"
    assert [message.body for message in kernel.queue.sent] == [{"task_id": str(id_)}]


def test_only_what_is_parked_can_be_replayed(kernel: FakedKernel) -> None:
    """An unknown task is 404, a ready one 409, a nonsense id 400."""
    admin, id_ = key(kernel, Role.ADMIN), park(kernel, "round-1")
    replayed(kernel, admin, id_)

    assert replayed(kernel, admin, uuid4())[:1] == (404,)
    assert replayed(kernel, admin, id_)[0] == 409
    assert replayed(kernel, admin, "nonsense")[0] == 400


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "nonsense"},
        {"x-api-key": "cp_abcdefghijkl_" + "a" * 43},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic dTpw"},
        {"authorization": "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4In0."},
    ],
    ids=["none", "empty", "malformed", "unknown", "no-token", "basic", "alg-none"],
)
def test_without_a_valid_credential_nothing_is_shown(kernel: FakedKernel, credentials: dict[str, str]) -> None:
    """401 in the house's shape, with the way to authenticate."""
    status, body, headers = listed(kernel, credentials)

    assert (status, body["error"]["code"]) == (401, "unauthorized")
    assert headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused_at_once(kernel: FakedKernel) -> None:
    """The very next request is 401."""
    issued = kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="a test", actor="a test")
    headers = {"x-api-key": issued.key}
    before = listed(kernel, headers)[0]
    kernel.api_keys.revoke(issued.prefix, actor="a test")

    assert (before, listed(kernel, headers)[0]) == (200, 401)


def test_a_key_with_a_changed_secret_is_refused(kernel: FakedKernel) -> None:
    """The prefix finds the row, the hash decides."""
    issued = kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="a test", actor="a test")
    changed = issued.key[:-1] + ("a" if issued.key[-1] != "a" else "b")

    assert listed(kernel, {"x-api-key": changed})[0] == 401


@pytest.mark.parametrize(
    ("role", "may_list", "may_replay"),
    [(Role.VIEWER, 403, 403), (Role.OPERATOR, 200, 403), (Role.ADMIN, 200, 200)],
    ids=lambda value: value.label if isinstance(value, Role) else None,
)
def test_roles(kernel: FakedKernel, role: Role, may_list: int, may_replay: int) -> None:
    """A viewer sees nothing of this, an operator looks, an administrator acts."""
    id_, headers = park(kernel, "round-1"), key(kernel, role)

    assert (listed(kernel, headers)[0], replayed(kernel, headers, id_)[0]) == (may_list, may_replay)


def test_a_session_is_as_good_as_a_key_for_fifteen_minutes(kernel: FakedKernel) -> None:
    """A person's token counts by its role, until it ends."""
    headers = {"authorization": f"Bearer {kernel.tokens.issue('0xabc', role=Role.OPERATOR)}"}
    clock = kernel.clock
    assert isinstance(clock, FakeClock)
    clock.advance(timedelta(minutes=14, seconds=59).total_seconds())
    before = listed(kernel, headers)[0]
    clock.advance(1)

    assert (before, listed(kernel, headers)[0]) == (200, 401)


def test_a_full_minute_is_429(kernel: FakedKernel) -> None:
    """The tier's requests of a minute are used up; Retry-After says when the window turns."""
    operator = key(kernel, Role.OPERATOR)
    principal = kernel.api_keys.principal(operator["x-api-key"])
    for _ in range(1_000):
        kernel.counter.check(principal.identity, 1_000)

    status, body, headers = listed(kernel, operator)

    assert (status, body["error"]["code"], headers["retry-after"]) == (429, "rate_limited", "60")


def test_with_redis_down_reads_go_on_and_writes_are_refused(kernel: FakedKernel) -> None:
    """The list is still there; a replay answers 503 rate_limit_unavailable with Retry-After, and nothing happens."""
    id_, admin = park(kernel, "round-1"), key(kernel, Role.ADMIN)
    kernel.counter.down = True

    read, (status, body, headers) = listed(kernel, admin), replayed(kernel, admin, id_)

    assert read[0] == 200
    assert (status, body["error"]["code"], headers["retry-after"]) == (503, "rate_limit_unavailable", "5")
    assert kernel.tasks.get(id_).state == "parked"


def test_with_postgres_down_the_answer_is_503(kernel: FakedKernel) -> None:
    """database_unavailable with Retry-After, and no word about where the database is."""
    admin = key(kernel, Role.ADMIN)
    away = FakedKernel("postgresql://user:canary-password@127.0.0.1:1/none", role=ROLE)

    status, body, headers = listed(away, admin)

    assert (status, body["error"]["code"], body["error"]["details"]) == (503, "database_unavailable", {})
    assert int(headers["retry-after"]) > 0


def test_no_credential_appears_in_the_log_of_a_failing_request(
    kernel: FakedKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the key, nor a token, nor the JWT secret, nor a data key, nor the database's password is written."""
    sealed = kernel.envelope.seal(b"canary-plaintext", purpose="p", chain="c", address="a")
    assert kernel.envelope.open(sealed, purpose="p", chain="c", address="a") == b"canary-plaintext"
    admin = key(kernel, Role.ADMIN)
    token = kernel.tokens.issue("0xabc", role=Role.ADMIN)
    away = FakedKernel("postgresql://user:canary-password@127.0.0.1:1/none", role=ROLE)
    listed(away, admin)
    listed(away, {"authorization": f"Bearer {token}"})
    listed(kernel, {"authorization": f"Bearer {token}x"})
    replayed(kernel, admin, "nonsense")
    written = "".join(capsys.readouterr())
    secrets = [
        admin["x-api-key"],
        admin["x-api-key"].rpartition("_")[2],
        token,
        "canary-password",
        "canary-plaintext",
        kernel.tokens._keys[kernel.tokens._present].decode(),
        *(form for data_key in kernel.keys.data_keys for form in (data_key.hex(), repr(data_key))),
    ]

    assert "database_unavailable" in written
    assert [secret for secret in secrets if secret in written] == []
