"""As much of HTTP/1.1 as JSON-RPC over the loopback needs: a message with a counted body, on a kept connection."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

BODY_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A request or a response. `head` keeps the bytes as they came, for those who pass them on."""

    head: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def method(self) -> str:
        """GET, POST, PUT; of a request only."""
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def path(self) -> str:
        """The path of a request."""
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def upgrades(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.headers.get("upgrade", "").lower() == "websocket"


async def read_message(reader: asyncio.StreamReader) -> HttpMessage | None:
    """The next message, or None at the connection's end; OSError or IncompleteReadError when it breaks off."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return HttpMessage(head, headers, await _chunks(reader))
    length = int(headers.get("content-length", "0"))
    if length > BODY_BYTES_MAX:
        raise ConnectionResetError(f"a body of {length} bytes is too large")
    return HttpMessage(head, headers, await reader.readexactly(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
        if len(body) > BODY_BYTES_MAX:
            raise ConnectionResetError("a chunked body is too large")
    await reader.readuntil(b"\r\n")
    return bytes(body)


def write_request(writer: asyncio.StreamWriter, host: str, body: bytes) -> None:
    """A POST of JSON to `/`."""
    head = f"POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def write_response(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    """An answer with a JSON body; the connection is kept."""
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
