"""Whatever dies, nothing stays behind: containers end with their runner, and a dead fork server is named."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local import settings
from infra.local.aws import Aws
from infra.local.children import ChildDied, Children
from infra.local.runner.containers import ForkServerDied
from infra.local.runner.runner import Runner
from tests.integration.runner.conftest import BUNDLE, WARM

pytestmark = pytest.mark.integration

PROGRAM = """
import json, sys, time
from pathlib import Path
from infra.local.runner.runner import Runner
env, bundle, folder = json.loads(sys.argv[1])
runner = Runner(env, Path(bundle), folder=Path(folder), warm=((), ()))
stack = runner.stack("doomed")
pids = [runner.fork_server_pid, *(stack.invoke(name).pid for name in ("cron_minute", "http_echo"))]
print(json.dumps(pids), flush=True)
time.sleep(60)
"""


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_killed_runner_leaves_no_process(aws_server: Aws, tmp_path: Path) -> None:
    """SIGKILL for the runner ends its fork server and every container."""
    arguments = json.dumps([dict(aws_server.env), str(BUNDLE), str(tmp_path)])
    victim = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.ROOT,
        env=settings.child_environment(),
    )
    with victim:
        assert victim.stdout is not None
        pids = json.loads(victim.stdout.readline())
        living = [pid for pid in pids if runs(pid)]
        victim.kill()

    assert pids == living
    assert wait_until(lambda: not any(runs(pid) for pid in pids))


def test_dead_fork_server_is_named(aws_server: Aws, tmp_path: Path) -> None:
    """Its death is a child's death with a name; an invocation then says that no container can start."""
    with (
        Children(tmp_path) as children,
        Runner(aws_server.env, BUNDLE, folder=tmp_path, children=children, warm=WARM) as runner,
    ):
        stack = runner.stack("orphan")
        container = stack.fire("cron_minute").pid

        os.kill(runner.fork_server_pid, signal.SIGKILL)

        assert wait_until(lambda: not runs(container))
        with pytest.raises(ChildDied, match="containers"):
            children.check()
        with pytest.raises(ForkServerDied):
            stack.fire("cron_minute")


def test_closed_runner_leaves_no_process(aws_server: Aws, tmp_path: Path) -> None:
    """close() ends containers in the middle of their work."""
    with Runner(aws_server.env, BUNDLE, folder=tmp_path, warm=WARM) as runner:
        stack = runner.stack("short", {"PROBE_FILE": str(tmp_path / "probe.jsonl")}).start()
        pids = [runner.fork_server_pid, *(stack.invoke(name).pid for name in ("cron_minute", "http_echo"))]

    assert [] == [pid for pid in pids if runs(pid)]
