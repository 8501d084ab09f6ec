"""Liveness over HTTP."""

import json
from pathlib import Path

import pytest

from functions.ops.http_health import handler
from functions.ops.wiring import ROLE, Deps
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/http_health.json").read_text(encoding="utf-8"))


def test_a_running_function_says_so(database_url: str) -> None:
    """200, with the stage."""
    kernel = FakedKernel(database_url, role=ROLE)
    answer = handler.bind(Deps(kernel))(EVENT, None)
    kernel.close()

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok", "stage": "test"})


def test_it_is_alive_without_its_database() -> None:
    """Liveness asks nobody."""
    away = FakedKernel("postgresql://127.0.0.1:1/none", role=ROLE)

    assert handler.bind(Deps(away))(EVENT, None)["statusCode"] == 200
