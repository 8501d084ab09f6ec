"""The bundle's own documents over HTTP: public, complete, and a page that can run no foreign script."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.ops.http_docs import handler
from functions.ops.wiring import ROLE, RealtimeDeps
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/http_docs.json").read_text(encoding="utf-8"))


@pytest.fixture
def kernel() -> Iterator[FakedKernel]:
    """No database is behind it: none is asked."""
    yield FakedKernel("postgresql://127.0.0.1:1/none", role=ROLE)


def get(kernel: FakedKernel, path: str) -> Any:
    context = EVENT["requestContext"]
    event = {**EVENT, "rawPath": path, "requestContext": {**context, "http": {**context["http"], "path": path}}}
    return handler.bind(RealtimeDeps(kernel))(event, None)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/docs", "text/html"),
        ("/docs/page.js", "text/javascript"),
        ("/docs/page.css", "text/css"),
        ("/docs/openapi.json", "application/json"),
        ("/docs/asyncapi.json", "application/json"),
        ("/docs/errors.json", "application/json"),
    ],
)
def test_each_document_is_served(kernel: FakedKernel, path: str, media_type: str) -> None:
    """To anybody, with Postgres and Redis away."""
    answer = get(kernel, path)

    assert 200 == answer["statusCode"]
    assert answer["headers"]["content-type"].startswith(media_type)
    assert "public, max-age=300" == answer["headers"]["cache-control"]


def test_the_page_runs_its_own_script_only(kernel: FakedKernel) -> None:
    """No inline script, nothing from elsewhere."""
    answer = get(kernel, "/docs")
    policy = answer["headers"]["content-security-policy"]

    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "://" not in answer["body"]


def test_every_operation_and_error_is_there(kernel: FakedKernel) -> None:
    """Those of all slices, each under its tag; no reference leads nowhere."""
    body = get(kernel, "/docs/openapi.json")["body"]
    api, errors = json.loads(body), json.loads(get(kernel, "/docs/errors.json")["body"])
    operations = [about for path in api["paths"].values() for about in path.values()]
    references = {part.split('"')[0] for part in body.split('"#/components/schemas/')[1:]}

    assert {"ops", "oracle"} <= {about["tags"][0] for about in operations}
    assert references <= set(api["components"]["schemas"])
    assert {"invalid_request", "service_halted", "nonce_spent"} <= {entry["code"] for entry in errors}
