"""The child program: `python -m infra.local.exchanges SEED LISTING PORT VENUE=PORT...`, until it is told to stop."""

import sys

import uvicorn

from infra.local.exchanges.app import build_app
from infra.local.exchanges.doors import Doors
from infra.local.exchanges.server import WHOLE_LISTING
from infra.local.ports import LOOPBACK


def main(arguments: list[str]) -> None:
    """Serve the venues on PORT, and each one alone on its own port."""
    seed, listing, port, *doors = arguments
    venue_ports = {venue: int(number) for venue, number in (door.split("=") for door in doors)}
    app = build_app(int(seed), Doors(venue_ports, int(port)), whole=listing == WHOLE_LISTING)
    # A slow answer may be under way for a long time; nobody waits for it at the end.
    uvicorn.run(app, host=LOOPBACK, port=int(port), log_level="warning", access_log=False, timeout_graceful_shutdown=0)


if __name__ == "__main__":
    main(sys.argv[1:])
