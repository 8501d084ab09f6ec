"""The warmed parent of every container: imports the vendors once, then forks in milliseconds.

It is one single-threaded program. The runner holds the other end of a SOCK_SEQPACKET pair: a packet with two
descriptors asks for a container (its socket and its log), and packets come back with the pid, and later with the exit
status. When the runner dies the pair closes, this program ends, and the kernel kills the containers with it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections import deque
from typing import Any, NoReturn

from infra.local.runner.runtime import ContainerSpec, serve

PACKET_BYTES_MAX = 192 * 1024
PR_SET_PDEATHSIG = 1


class ForkServer:
    """Forks on request and reports the deaths of its children."""

    def __init__(self, conn: socket.socket, later: list[str]) -> None:
        self.conn, self.later = conn, deque(later)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.wake_read, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until the runner is gone; between requests, import what is worth having but not worth waiting for."""
        self.tell({"ready": os.getpid()})
        if not self.later:
            self.tell({"warm": os.getpid()})
        while True:
            ready, _, _ = select.select([self.conn.fileno(), self.wake_read], [], [], 0 if self.later else None)
            if self.wake_read in ready:
                os.read(self.wake_read, 4096)
                self.reap()
            if self.conn.fileno() in ready and not self.answer():
                return
            if not ready and self.later:
                preload([self.later.popleft()])
                if not self.later:
                    self.tell({"warm": os.getpid()})

    def answer(self) -> bool:
        """Fork one container; False when the runner has closed its end."""
        packet, descriptors, _, _ = socket.recv_fds(self.conn, PACKET_BYTES_MAX, 2)
        if not packet:
            return False
        request = json.loads(packet)
        pid = os.fork()
        if pid == 0:
            self.become_container(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.tell({"forked": request["ticket"], "pid": pid})
        return True

    def become_container(self, request: dict[str, Any], conn_fd: int, log_fd: int) -> NoReturn:
        """In the child: never returns."""
        parent = os.getppid()
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the fork server died in between
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        for descriptor in (log_fd, self.wake_read, self.wake_write):
            os.close(descriptor)
        self.conn.close()
        status = 1
        try:
            spec = ContainerSpec(**request["spec"])
            serve(socket.socket(fileno=conn_fd), spec)
            status = 0
        finally:
            os._exit(status)

    def reap(self) -> None:
        """Report every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.tell({"exited": pid, "status": os.waitstatus_to_exitcode(status)})

    def tell(self, message: dict[str, Any]) -> None:
        """Send one packet to the runner."""
        try:
            self.conn.send(json.dumps(message).encode())
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)


def preload(modules: list[str]) -> None:
    """Import ``modules``; one that is not installed is left out, since a slice may not need it."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            sys.stderr.write(f"[fork server] {module} is not warmed: {error}\n")
    # Moves all objects out of the collector's sight: a collection in a child then dirties no shared page.
    gc.collect()
    gc.freeze()


def main() -> None:
    """``python -m infra.local.runner.forkserver <descriptor> <first modules> <later modules>``, comma-separated."""
    descriptor, first, later = sys.argv[1:4]
    preload([name for name in first.split(",") if name])
    ForkServer(socket.socket(fileno=int(descriptor)), [name for name in later.split(",") if name]).run()


if __name__ == "__main__":
    main()
