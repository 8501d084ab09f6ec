"""One listening port per venue, relayed to the one server: a venue whose door is shut refuses connections for real."""

import asyncio
import contextlib
from collections.abc import Mapping

from infra.local.ports import LOOPBACK

CHUNK_BYTES = 65_536


class Doors:
    """The ports of all venues; every connection is a pair of byte pipes to `target_port`."""

    def __init__(self, venue_ports: Mapping[str, int], target_port: int) -> None:
        self._ports = venue_ports
        self._target_port = target_port
        self._listeners: dict[str, asyncio.Server] = {}
        self._callers: dict[str, set[asyncio.StreamWriter]] = {venue: set() for venue in venue_ports}

    async def open_all(self) -> None:
        """Listen for every venue."""
        for venue in self._ports:
            await self.open(venue)

    async def open(self, venue: str) -> None:
        """Listen on the venue's port; harmless when it already does."""
        if venue not in self._listeners:

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._relay(venue, reader, writer)

            self._listeners[venue] = await asyncio.start_server(relay, LOOPBACK, self._ports[venue])

    def shut(self, venue: str) -> None:
        """Stop listening and cut the connections that are open."""
        if listener := self._listeners.pop(venue, None):
            listener.close()
        for writer in self._callers[venue]:
            writer.transport.abort()

    async def _relay(self, venue: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
        self._callers[venue].add(writer)
        try:
            await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
        finally:
            self._callers[venue].discard(writer)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender ends; either side may be cut at any moment."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()
