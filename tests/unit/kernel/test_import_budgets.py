"""What a cold start pays for: importing a room never drags in a vendor that it does not need."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

PURE = ["amounts", "errors", "hashes", "ids", "merkle", "siws", "siwe"]
# Not botocore: Powertools imports that package's small root itself; its weight comes with boto3.
VENDORS = {
    *("fastapi", "starlette", "mangum", "jwt"),
    *("boto3", "aws_xray_sdk", "cryptography"),
    *("web3", "ccxt", "httpx", "upstash_redis", "psycopg", "pydantic"),
}


def imported_by(module: str) -> set[str]:
    """The vendors that a fresh interpreter has loaded after importing the module."""
    code = f"import sys, {module}; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return {name.partition(".")[0] for name in out.split()} & VENDORS


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_import_no_vendor(room: str) -> None:
    """They decide, and speak to nobody."""
    assert imported_by(f"kernel.{room}") == set()


def test_handlers_import_no_web_stack_and_no_cloud() -> None:
    """Queue and schedule handlers start without FastAPI, boto3 or a chain library."""
    assert imported_by("kernel.handler") <= {"pydantic"}


def test_the_wiring_imports_only_the_database_driver() -> None:
    """Everything else comes when it is first used."""
    assert imported_by("kernel.wiring") <= {"pydantic", "psycopg"}


@pytest.mark.parametrize("handler", ["cron_sweep_tasks", "queue_dead_letters", "ws_default", "ws_connect"])
def test_ops_handlers_start_light(handler: str) -> None:
    """The same for whole handler files."""
    assert imported_by(f"functions.ops.{handler}") <= {"pydantic", "psycopg"}
