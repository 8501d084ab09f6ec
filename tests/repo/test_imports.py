"""Rules about imports that import-linter cannot say: pure cores, lazy vendors, light queue handlers."""

import json
import subprocess
import sys

import pytest

from tests.repo.house import KERNEL, ROOT, handlers, sources

pytestmark = pytest.mark.repo

PURE_ROOMS = {
    "abi",
    "amounts",
    "base58",
    "chain_events",
    "errors",
    "hashes",
    "ids",
    "merkle",
    "moments",
    "siws",
    "strict_json",
}
VENDORS = {
    "boto3",
    "botocore",
    "web3",
    "ccxt",
    "fastapi",
    "mangum",
    "modal",
    "solana",
    "solders",
    "upstash_redis",
    "upstash_ratelimit",
}
FORBIDDEN_OFF_HTTP = ("fastapi", "starlette", "mangum", "ccxt", "web3", "boto3")


def test_cores_are_pure() -> None:
    """core/ imports the standard library, numpy, its own slice's core and the kernel's pure rooms."""
    impure = []
    for source in sources("functions"):
        parts = source.path.relative_to(ROOT).parts
        if parts[2:3] != ("core",):
            continue
        own = f"functions.{parts[1]}.core"
        for name, line in source.imports():
            head, *rest = name.split(".")
            pure = (
                head in sys.stdlib_module_names
                or head == "numpy"
                or name.startswith(own)
                or (head == "kernel" and rest[:1] and rest[0] in PURE_ROOMS)
            )
            if not pure:
                impure.append(f"{source.name}:{line} {name}")

    assert impure == []


def test_cores_have_no_clock_and_no_dice() -> None:
    """core/ takes time and randomness as values."""
    worldly = {"time.time", "time.monotonic", "datetime.now", "secrets.token_bytes", "random.random", "os.urandom"}
    called = [
        f"{source.name}:{number} {name}"
        for source in sources("functions")
        if "core" in source.path.parts
        for number, line in enumerate(source.text.splitlines(), 1)
        for name in worldly
        if f"{name}(" in line
    ]

    assert called == []


def test_vendors_are_imported_lazily() -> None:
    """A vendor is imported inside the function that needs it, so that a cold start pays only for what it uses."""
    web = ("handler/http.py", "handler/border.py", "auth/http.py")
    allowed = {str((KERNEL / name).relative_to(ROOT)) for name in web}
    eager = [
        f"{source.name}:{node.lineno}"
        for source in sources("functions", "layers")
        if source.name not in allowed and not source.path.name.startswith("http_")
        for node in source.tree.body
        for name in _imported(node)
        if name.split(".")[0] in VENDORS
    ]

    assert eager == []


def _imported(node: object) -> list[str]:
    import ast

    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return []


#: Imports the modules that it is told, and prints which of them brought in what of the names that it is told.
ONE_AFTER_ANOTHER = """
import importlib, json, sys
modules, names = map(json.loads, sys.argv[1:])
brought, seen = {}, set()
for module in modules:
    importlib.import_module(module)
    if new := {name for name in names if name in sys.modules} - seen:
        brought[module], seen = sorted(new), seen | new
print(json.dumps(brought))
"""


def test_queue_cron_and_socket_handlers_start_light() -> None:
    """Importing a handler that serves no HTTP brings in no web stack and no vendor client: all of them bring none.

    One interpreter imports them all; of several that bring in the same, the first is named.
    """
    modules = [source.name.removesuffix(".py").replace("/", ".") for source in handlers()]
    off_http = [module for module in modules if ".http_" not in module]
    command = [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(off_http), json.dumps(FORBIDDEN_OFF_HTTP)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ("{}", "") == (result.stdout.strip(), result.stderr)
    assert len(off_http) > len(modules) / 2
