"""The rules that tests/conftest.py enforces: one marker, no socket in a unit test, no skip on the build machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import settings

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("marks", ["", "@pytest.mark.unit\n@pytest.mark.repo\n"])
def test_a_test_without_exactly_one_marker_is_refused(tmp_path: Path, marks: str) -> None:
    """No marker, or two, stop the whole run and name the test."""
    output = run(tmp_path, f"import pytest\n{marks}def test_it(): pass\n")

    assert "exactly one marker" in output
    assert "test_it" in output


OPENERS = (
    "socket.create_connection(('127.0.0.1', 9))",
    "socket.create_server(('127.0.0.1', 0))",
    "socket.socket(socket.AF_INET6).bind(('::1', 0))",
    "urllib.request.urlopen('http://127.0.0.1:9')",
    "asyncio.run(asyncio.open_connection('127.0.0.1', 9))",
    "psycopg.connect('postgresql://127.0.0.1:9/none')",
)


def test_a_unit_test_that_opens_a_socket_fails(tmp_path: Path) -> None:
    """Connecting and binding fail the test, even when the code under test swallows its errors."""
    head = "import asyncio, psycopg, pytest, socket, urllib.request\n"
    tests = (
        f"@pytest.mark.unit\ndef test_{number}():\n    try:\n        {line}\n    except Exception:\n        pass\n"
        for number, line in enumerate(OPENERS)
    )
    output = run(tmp_path, head + "".join(tests))

    assert f"{len(OPENERS)} failed in" in output
    assert output.count("Failed: a unit test opened a socket") >= len(OPENERS)


def test_a_unit_test_may_use_a_socket_pair(tmp_path: Path) -> None:
    """An event loop wakes itself by a pair of unix sockets, which is no network."""
    output = run(tmp_path, "import asyncio, pytest\n@pytest.mark.unit\ndef test_it(): asyncio.run(asyncio.sleep(0))\n")

    assert "1 passed" in output


@pytest.mark.parametrize(("require_all", "ending"), [("", "1 skipped"), ("1", "1 failed")])
def test_a_skip_fails_only_where_everything_is_required(tmp_path: Path, require_all: str, ending: str) -> None:
    """REQUIRE_ALL=1 turns a skip into a failure that says why."""
    test = "import pytest\n@pytest.mark.repo\ndef test_it(): pytest.skip('chromium is absent')\n"
    output = run(tmp_path, test, {"REQUIRE_ALL": require_all})

    assert ending in output
    assert "chromium is absent" in output


def test_an_absent_tool_is_named_with_its_package(tmp_path: Path) -> None:
    """An optional tool that is absent skips its test with the line that installs it."""
    test = "import pytest\n@pytest.mark.repo\ndef test_it(optional_tool): optional_tool('chromium')\n"
    output = run(tmp_path, test, {"PATH": "/nonexistent"})

    assert "1 passed" in output or "apt-get install -y chromium" in output


def run(folder: Path, test: str, environment: dict[str, str] | None = None) -> str:
    """pytest's words about one test file under our conftest."""
    file = folder / "test_example.py"
    file.write_text(test)
    options = ["-c", str(settings.ROOT / "pyproject.toml"), "--rootdir", str(folder), "-p", "tests.conftest"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", str(file), *options, "-p", "no:xdist", "-p", "no:cacheprovider"],
        cwd=settings.ROOT,
        env=settings.child_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.stdout + ran.stderr
