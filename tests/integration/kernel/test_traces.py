"""What goes to X-Ray, read at the daemon's address by whoever plays the daemon."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local import settings

pytestmark = pytest.mark.integration

CANARY = "canary-7f3a9c"
PROGRAM = f"""
from kernel.errors import KeyUnavailable
from kernel.handler.telemetry import traced

for failure in (None, ValueError("{CANARY}"), KeyUnavailable("{CANARY}"), SystemExit("{CANARY}")):
    try:
        with traced("## oracle.queue_commit"):
            if failure is not None:
                raise failure
    except BaseException as raised:
        assert raised is failure
"""


def segments(program: str) -> list[dict[str, Any]]:
    """What a process that Lambda traces sends while it runs a program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        traced = {
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": "/var/task",
            "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "PYTHONPATH": str(Path("layers/kernel/python").resolve()),
        }
        subprocess.run([sys.executable, "-c", program], env=settings.whole_environment(traced), check=True, timeout=60)
        return [json.loads(daemon.recv(65_535).decode().partition("\n")[2]) for _ in range(4)]


def test_a_trace_tells_which_failure_it_was_and_never_its_words() -> None:
    """X-Ray would keep an exception's text, which may quote a key or a request."""
    sent = segments(PROGRAM)

    assert [one["name"] for one in sent] == ["## oracle.queue_commit"] * 4
    assert CANARY not in json.dumps(sent)
    assert [one.get("annotations", {}).get("failure") for one in sent] == [
        None,
        "ValueError",
        "KeyUnavailable",
        "SystemExit",
    ]
    assert [one.get("fault", False) for one in sent] == [False, True, True, True]
