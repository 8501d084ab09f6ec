"""Framed JSON on a socket: what the runner and a container say to each other. Four bytes of length, then the text."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTH = struct.Struct(">I")
FRAME_BYTES_MAX = 32 * 1024 * 1024


class Closed(Exception):
    """The other end of the socket is gone."""


def send(conn: socket.socket, message: Any) -> None:
    """Send one value; Closed when nobody can receive it."""
    body = json.dumps(message, separators=(",", ":")).encode()
    assert len(body) <= FRAME_BYTES_MAX
    try:
        conn.sendall(LENGTH.pack(len(body)) + body)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def receive(conn: socket.socket) -> Any:
    """Receive one value; Closed at the end of the stream, TimeoutError by the socket's own time limit."""
    (length,) = LENGTH.unpack(_exactly(conn, LENGTH.size))
    assert length <= FRAME_BYTES_MAX
    return json.loads(_exactly(conn, length))


def _exactly(conn: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = conn.recv(count - len(parts))
        except ConnectionResetError as error:
            raise Closed from error
        if not part:
            raise Closed
        parts += part
    return bytes(parts)
