"""Owns the way of a webhook to its receiver: one request, to an address that was looked at, within five seconds.

1. Resolve the name once. If any of its addresses is not one that the whole internet could reach, send nothing.
2. Connect to one of these very addresses: a name that resolves otherwise a moment later (DNS rebinding) changes
   nothing. The name is still what the certificate must be for, and what the Host header says.
3. Send, and read the head of the answer; its body is nobody's, no redirect is followed, no connection is kept.

All of it runs in a thread of its own, whose connection is cut when the time is over: a receiver that sends a byte a
second, or a name server that is silent, costs five seconds and no more.
"""

import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from typing import Final

from kernel.webhooks.destinations import Destination, WebhookUrlUnfit, destination, is_allowed

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 2.0
#: A name may have an address of a family that this machine has no way to.
ADDRESSES_MAX: Final = 3
_SECONDS: Final = re.compile(r"[0-9]{1,6}", re.ASCII)

Resolve = Callable[[str, int], list[str]]
Connect = Callable[[str, int], socket.socket]


class Problem(StrEnum):
    """Why there was no answer."""

    URL_UNFIT = "url_unfit"
    UNRESOLVED = "unresolved"
    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    TIMED_OUT = "timed_out"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attempt came to: a status, or a problem. `retry_after_s` is what a 429 or 503 asked for."""

    status: int | None = None
    problem: Problem | None = None
    retry_after_s: int = 0


class Post:
    """Sends webhooks."""

    def __init__(
        self,
        *,
        local: bool = False,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """local: plain HTTP to this machine is taken, too (the stages local and test). The others are for tests."""
        self._local, self._trust, self._timeout_s = local, trust, timeout_s
        self._resolve, self._connect = resolve or _addresses, connect or _connected

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One attempt. Whatever the receiver does is an answer, never an exception."""
        try:
            where = destination(url, local=self._local)
        except WebhookUrlUnfit:
            return Answer(problem=Problem.URL_UNFIT)
        line = Line()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhook")
        attempt = thread.submit(self._attempt, where, headers, body, line)
        thread.shutdown(wait=False)
        try:
            return attempt.result(timeout=self._timeout_s)
        except TimeoutError:
            line.cut()
            return Answer(problem=Problem.TIMED_OUT)

    def _attempt(self, where: Destination, headers: Mapping[str, str], body: bytes, line: "Line") -> Answer:
        try:
            addresses = self._resolve(where.host, where.port)
        except OSError:
            return Answer(problem=Problem.UNRESOLVED)
        if not addresses or not all(is_allowed(address, local=self._local) for address in addresses):
            logger.warning("A webhook's name leads where none may go.", extra={"host": where.host})
            return Answer(problem=Problem.ADDRESS_REFUSED)
        try:
            with line.held(self._reached(addresses, where.port)) as connection:
                return _exchanged(self._secured(connection, where, line), where, headers, body)
        except (OSError, HTTPException, ValueError) as failure:
            return Answer(problem=_problem(failure))

    def _reached(self, addresses: list[str], port: int) -> socket.socket:
        """A connection to the first address that takes one. Raises what the last one raised."""
        *others, last = addresses[:ADDRESSES_MAX]
        for address in others:
            with suppress(OSError):
                return self._connect(address, port)
        return self._connect(last, port)

    def _secured(self, connection: socket.socket, where: Destination, line: "Line") -> socket.socket:
        """The connection in TLS, with whoever has a certificate for the name; as it is where that is not wanted."""
        if not where.is_tls:
            return connection
        secured = self._context.wrap_socket(connection, server_hostname=where.host, do_handshake_on_connect=False)
        line.take(secured)
        secured.do_handshake()
        return secured

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Whom to believe; reading the authorities takes a while."""
        return self._trust or ssl.create_default_context()


class Line:
    """The connection of one attempt, which another thread may cut; before it is there, too."""

    def __init__(self) -> None:
        self._turn, self._is_cut = threading.Lock(), False
        self._connection: socket.socket | None = None

    @contextmanager
    def held(self, connection: socket.socket) -> Iterator[socket.socket]:
        """The connection is taken inside the block, and what became of it is closed at its end."""
        try:
            yield self.take(connection)
        finally:
            if self._connection is not None:
                self._connection.close()

    def take(self, connection: socket.socket) -> socket.socket:
        """From now on this is what a cut ends. Raises TimeoutError when it came before."""
        with self._turn:
            self._connection = connection
            if self._is_cut:
                raise TimeoutError
        return connection

    def cut(self) -> None:
        """End it; whoever waits for it is told so at once."""
        with self._turn:
            self._is_cut = True
            if self._connection is not None:
                with suppress(OSError):
                    # Not TLS' own way to end, which would wait for the other side.
                    socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


def _exchanged(connection: socket.socket, where: Destination, headers: Mapping[str, str], body: bytes) -> Answer:
    http = HTTPConnection(where.host, where.port)
    http.sock, http.auto_open = connection, 0  # it must never open one of its own
    told = {"host": where.authority, "connection": "close", **headers}
    http.request("POST", where.target, body=body, headers=told)
    response = http.getresponse()
    wanted = _SECONDS.fullmatch(response.headers.get("retry-after", ""))
    return Answer(status=response.status, retry_after_s=int(wanted[0]) if wanted else 0)


def _problem(failure: Exception) -> Problem:
    match failure:
        case ssl.SSLError():
            return Problem.UNTRUSTED
        case TimeoutError():
            return Problem.TIMED_OUT
        case OSError():
            return Problem.UNREACHABLE
        case _:
            return Problem.UNREADABLE


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _connected(address: str, port: int) -> socket.socket:
    connection = socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S)
    connection.settimeout(TIMEOUT_S)
    return connection
