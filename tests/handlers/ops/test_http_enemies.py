"""The ops API under attack: too little right to it, words that cannot be kept, misspelt names, two at once."""

import importlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from functions.ops.wiring import ROLE, Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from kernel.handler import Entry
from kernel.testing.kernel import FakedKernel
from tests.handlers.ops.purse import event

pytestmark = pytest.mark.handlers

MODULES = [
    importlib.import_module(f"functions.ops.{path.stem}") for path in sorted(Path("functions/ops").glob("http_*.py"))
]
ROUTES = [
    (module.handler, method, route.path)
    for module in MODULES
    for route in module.app.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
#: For whoever comes, or proves by a signature who it is.
OPEN = {"/health", "/v1/ops/health", "/v1/ops/sessions", "/v1/ops/sessions/challenge", "/hooks/{provider}"}
SIGNED_IN = {"/v1/ops/sessions/renewal"}
GUARDED = [one for one in ROUTES if one[2] not in OPEN | SIGNED_IN and not one[2].startswith("/docs")]
WHY = {"reason": "a test"}
THRESHOLD = "/v1/ops/thresholds/breaker.default_threshold"


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def key_of(kernel: FakedKernel, role: Role) -> str:
    """A fresh key of this role."""
    return kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key


def call(
    handler: Entry[Any],
    kernel: FakedKernel,
    method: str,
    path: str,
    *,
    headers: dict[str, str],
    body: str | None = None,
    query: str = "",
) -> tuple[int, str]:
    """Status, and the error's code where there is one."""
    sent = event("http_health")
    sent |= {"rawPath": path, "rawQueryString": query, "body": body}
    sent["headers"] = {name: value for name, value in sent["headers"].items() if name != "x-api-key"} | headers
    sent["headers"]["content-type"] = "application/json"
    sent["requestContext"]["http"] |= {"method": method, "path": path}
    answer = handler.bind(Deps(kernel))(sent, None)
    is_json = answer["headers"]["content-type"] == "application/json"
    told = json.loads(answer["body"]) if is_json else {}
    return answer["statusCode"], told.get("error", {}).get("code", "")


def of(name: str) -> Entry[Any]:
    """The handler of one file."""
    handler: Entry[Any] = importlib.import_module(f"functions.ops.{name}").handler
    return handler


@pytest.mark.parametrize(
    ("handler", "method", "template"), GUARDED, ids=[f"{method} {path}" for _, method, path in GUARDED]
)
def test_whoever_may_not_is_refused_before_anything_else(
    kernel: FakedKernel, handler: Entry[Any], method: str, template: str
) -> None:
    """No route forgets its guard: strangers and ended sessions are unknown, viewers see nothing, operators change
    nothing, whatever they send."""
    path = re.sub(r"\{[^}]*\}", "x", template)
    ended = kernel.tokens.issue("evm:0x1", role=Role.ADMIN)
    kernel.clock.sleep(15 * 60)
    credentials = {
        "nothing": {},
        "an ended session": {"authorization": f"Bearer {ended}"},
        "a viewer": {"x-api-key": key_of(kernel, Role.VIEWER)},
        "an operator": {"x-api-key": key_of(kernel, Role.OPERATOR)},
    }
    statuses = {
        who: call(handler, kernel, method, path, headers=headers, body="{}")[0] for who, headers in credentials.items()
    }
    operator = statuses.pop("an operator")

    assert {"nothing": 401, "an ended session": 401, "a viewer": 403} == statuses
    assert operator == 403 if method != "GET" else operator != 401


@pytest.mark.parametrize(
    ("name", "method", "path", "query", "body"),
    [
        ("http_access", "POST", "/v1/ops/api-keys", "", r'{"label": "a\u0000b"}'),
        ("http_access", "POST", "/v1/ops/api-keys", "", r'{"label": "\\\u0000"}'),
        ("http_breakers", "PUT", THRESHOLD, "", r'{"value": "7", "reason": "a\u0000"}'),
        ("http_breakers", "POST", "/v1/ops/breakers/market_data/reset", "", r'{"reason": "\u0000"}'),
        ("http_audit", "GET", "/v1/ops/audit", "subject=%00", None),
        ("http_trace", "GET", "/v1/trace/a\x00b", "", None),
        ("http_access", "POST", "/v1/ops/api-keys", "", '{"label": ' + "9" * 5_000 + "}"),
        ("http_access", "POST", "/v1/ops/api-keys", "", "[" * 100_000),
        ("http_access", "POST", "/v1/ops/api-keys", "", r'{"label": "\ud800"}'),
        ("http_audit", "GET", "/v1/ops/audit", "cursor=" + "9" * 5_000, None),
    ],
    ids=str,
)  # fmt: skip
def test_what_no_column_and_no_number_holds_is_the_callers_mistake(
    kernel: FakedKernel, name: str, method: str, path: str, query: str, body: str | None
) -> None:
    """400, and never our own failure."""
    headers = {"x-api-key": key_of(kernel, Role.ADMIN)}

    assert (400, "invalid_request") == call(of(name), kernel, method, path, headers=headers, body=body, query=query)


def test_a_text_about_nul_is_a_text(kernel: FakedKernel) -> None:
    """A backslash and five characters."""
    headers = {"x-api-key": key_of(kernel, Role.ADMIN)}
    body = json.dumps({"label": r"\u0000"})

    assert (201, "") == call(of("http_access"), kernel, "POST", "/v1/ops/api-keys", headers=headers, body=body)
    assert r"\u0000" in {key.label for key in kernel.api_keys.all()}


@pytest.mark.parametrize(
    ("name", "path", "code"),
    [
        ("http_treasury", "/v1/ops/services/brigde/halt", "service_unknown"),
        ("http_treasury", "/v1/ops/services/slice/halt", "service_unknown"),
        ("http_treasury", "/v1/ops/services/app/resume", "service_unknown"),
        ("http_breakers", "/v1/ops/breakers/market_dta/reset", "dependency_unknown"),
    ],
)
def test_a_misspelt_name_is_told_and_nothing_is_kept(kernel: FakedKernel, name: str, path: str, code: str) -> None:
    """An administrator in a hurry must not believe that a service stands still, or that a dependency is tried again."""
    headers, acts = {"x-api-key": key_of(kernel, Role.ADMIN)}, Audit(kernel.postgres)
    before = acts.head()

    assert (404, code) == call(of(name), kernel, "POST", path, headers=headers, body=json.dumps(WHY))
    assert before == acts.head()
    assert [] == kernel.breakers.conditions()


def test_of_two_administrators_at_once_each_change_follows_the_other(kernel: FakedKernel) -> None:
    """Ten set one threshold at the same moment: what is refused is told so, and every version is kept with its act."""
    headers = {"x-api-key": key_of(kernel, Role.ADMIN)}

    def tune(number: int) -> tuple[int, str]:
        own = FakedKernel(kernel.settings.database_url.removeprefix("plain:"), role=ROLE)
        body = json.dumps({"value": str(10 + number), **WHY})
        try:
            return call(of("http_breakers"), own, "PUT", THRESHOLD, headers=headers, body=body)
        finally:
            own.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(tune, range(10)))
    done = answers.count((200, ""))
    history = Deps(kernel).tunables.history("breaker.default_threshold")

    assert set(answers) <= {(200, ""), (409, "conflict")}
    assert list(range(done, 0, -1)) == [change.version for change in history]
    assert done == len(Audit(kernel.postgres).newest(subject="tunable:breaker.default_threshold"))
