"""One lane of `make mutants`: in a copy of the tree, apply a mutant, run its killer in a forked child, restore.

Forking from a process that has loaded the heavy libraries, but nothing of the project, saves each run a second.
Jobs come as JSON lines on standard input, verdicts go as JSON lines to standard output.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import pytest

LIMIT_S = 60.0
HEAVY = (
    "_pytest.assertion.rewrite",
    "pytest_benchmark.plugin",
    "schemathesis.pytest.plugin",
    "hypothesis.extra.numpy",
    "httpx",
    "psycopg",
    "pydantic_settings",
    "eth_account",
)
OPTIONS = (
    *("-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"),
    # The same examples every time, so that a mutant that is killed here is killed everywhere.
    "--hypothesis-seed=0",
    # What is loaded already cannot be rewritten any more, which matters to none of these libraries.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def run(copy: Path, job: dict[str, str]) -> dict[str, object]:
    """The verdict on one mutant: killed, survived or broken."""
    path = copy / job["file"]
    original = path.read_text()
    log = copy / "mutant.log"
    started = time.monotonic()
    try:
        path.write_text(original.replace(job["old"], job["new"]))
        status = _pytest_in_child(copy, job["killed_by"], log)
    finally:
        path.write_text(original)
    return {
        "name": job["name"],
        "verdict": _verdict(status),
        "seconds": time.monotonic() - started,
        "log": log.read_text(errors="replace")[-3000:],
    }


def _verdict(status: int | None) -> str:
    """pytest's exit status in words. A run without end is a kill: the killer's own time limit would tell."""
    if status is None or status == pytest.ExitCode.TESTS_FAILED:
        return "killed"
    return "survived" if status == pytest.ExitCode.OK else "broken"


def _pytest_in_child(copy: Path, test: str, log: Path) -> int | None:
    child = os.fork()
    if child == 0:
        status = 99
        try:
            # A session of its own, so that whatever the test starts can be ended with it.
            os.setsid()
            with log.open("w") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            os.chdir(copy)
            status = int(pytest.main([test, *OPTIONS]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    try:
        return _status_of(child)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


def _status_of(child: int) -> int | None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def main(copy: Path) -> None:
    """Answer jobs until standard input ends."""
    for name in HEAVY:
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(copy, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # This file's folder must not lead the import path: the tree's root does, by pytest's own setting.
    sys.path.pop(0)
    main(Path(sys.argv[1]))
