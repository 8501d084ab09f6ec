"""The peer of the realtime benchmark: a bare `websockets` server that says to everybody what anybody says to it.

`python -m tests.bench.bare_sockets PORT`
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(port: int) -> None:
    """Serve until told to end."""
    clients: set[ServerConnection] = set()

    async def answer(client: ServerConnection) -> None:
        clients.add(client)
        try:
            async for text in client:
                broadcast(clients, text)
        finally:
            clients.discard(client)

    async with serve(answer, "127.0.0.1", port, compression=None, backlog=1024):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
