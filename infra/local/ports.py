"""Free TCP ports on the loopback, claimed so that two local clouds on one machine never pick the same one."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

from infra.local.failures import LocalFailure

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections (32768 and up), so that no
# client socket sits on a port between its choice and its use.
FIRST, LAST = 15_000, 32_000
ATTEMPTS_MAX = 500

_claimed: set[int] = set()


class PortTaken(LocalFailure):
    """A port that was asked for by number is already in use."""

    def __init__(self, port: int, remedy: str = "choose another one, or leave the port out to get a free one") -> None:
        super().__init__(
            f"port {port} on {LOOPBACK} is taken by another program; {remedy} (`ss -ltnp 'sport = :{port}'` names it)"
        )
        self.port = port


class NoFreePort(LocalFailure):
    """No free port was found between 15000 and 32000; stop some of the programs that listen there."""


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set SO_REUSEADDR too: a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on, and that no other local cloud will choose while this process lives."""
    for port in random.SystemRandom().sample(range(FIRST, LAST), ATTEMPTS_MAX):
        if is_free(port) and _claim(port):
            return port
    raise NoFreePort(str(NoFreePort.__doc__))


def requested_port(port: int) -> int:
    """`port` itself when it is free (0 asks for any); PortTaken, with the remedy, when it is not."""
    if port == 0:
        return free_port()
    if not is_free(port) or not _claim(port):
        raise PortTaken(port)
    return port


def release_port(port: int) -> None:
    """Give up a claim; without it a claim lasts as long as this process."""
    if port in _claimed:
        _claimed.remove(port)
        fcntl.lockf(_claims_file(), fcntl.LOCK_UN, 1, port)


def _claim(port: int) -> bool:
    """Lock the port's byte of the claims file; locks die with their process, so no claim can be left behind."""
    if port in _claimed:
        return False
    try:
        fcntl.lockf(_claims_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):
        return False
    _claimed.add(port)
    return True


@cache
def _claims_file() -> int:
    """The descriptor of a file that all local clouds of this user share; a byte per port, and nothing in it."""
    path = Path(tempfile.gettempdir()) / f"counterpart-ports-{os.getuid()}.lock"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
