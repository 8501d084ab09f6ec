"""`make up` stays, says where everything is, names whoever dies, and leaves nothing behind."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from infra.local import settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_two_copies_stay_name_a_death_and_leave_nothing(tmp_path: Path) -> None:
    """Both answer at their own addresses; a killed child is named by one; Ctrl-C ends both with all they started."""
    with running(tmp_path / "one.log") as one, running(tmp_path / "other.log") as other:
        gateways = [address(wait_for(log, "logs  "), "gateway") for log in (one.log, other.log)]
        health = [httpx.get(f"{gateway}/health", timeout=60).status_code for gateway in gateways]
        wallets = [declared_wallets(log) for log in (one.log, other.log)]
        families = [family(one.popen.pid), family(other.popen.pid)]
        victim = next(pid for pid, command in families[0].items() if "redis-server" in command)
        Path("/proc", str(victim)).stat()
        subprocess.run(["kill", "-9", str(victim)], check=True)
        words = wait_for(one.log, "DIED")
        statuses = [stop(one.popen), stop(other.popen)]

        assert len(set(gateways)) == 2
        assert health == [200, 200]
        assert wallets == [["oracle", "oracle", "oracle"]] * 2
        assert f"redis (pid {victim}) ended with SIGKILL" in words
        assert "DIED" not in other.log.read_text()
        assert statuses == [1, 0]
        assert [pid for pids in families for pid in pids if alive(pid)] == []


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The port is named, with the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running(tmp_path / "up.log", "--port", str(port)) as refused:
            status = refused.popen.wait(timeout=60)

            assert status == 1
            assert re.search(f"port {port} .* is taken .* leave the port out", refused.log.read_text())


class Running:
    """A `make up`, and what it says."""

    def __init__(self, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.popen = popen
        self.log = log


@contextmanager
def running(log: Path, *options: str) -> Iterator[Running]:
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", "infra.local", "up", *options],
            cwd=settings.ROOT,
            env=settings.child_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(popen, log)
    finally:
        popen.kill()
        popen.wait()


def wait_for(log: Path, words: str, limit_s: float = 150.0) -> str:
    """What was said once `words` are among it."""
    deadline = time.monotonic() + limit_s
    while words not in (said := log.read_text()):
        assert time.monotonic() < deadline, f"never said {words!r}, but:\n{said}"
        time.sleep(0.1)
    return said


def declared_wallets(log: Path) -> list[str]:
    """Whose wallets the treasury keeps the books of."""
    url = re.search(r"Postgres +(\S+)", log.read_text())
    assert url is not None
    with psycopg.connect(url.group(1)) as database:
        return [str(service) for (service,) in database.execute("select service from kernel.treasury_wallets")]


def address(banner: str, name: str) -> str:
    found = re.search(rf"^  {name} +(http\S+)", banner, re.MULTILINE)
    assert found is not None
    return found.group(1)


def stop(popen: "subprocess.Popen[bytes]") -> int:
    popen.send_signal(signal.SIGINT)
    return popen.wait(timeout=60)


def family(pid: int) -> dict[int, str]:
    """Every living descendant of a process, and its command line."""
    members: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            with suppress(FileNotFoundError):  # a container that ended meanwhile
                members[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                members |= family(child)
    return members


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
