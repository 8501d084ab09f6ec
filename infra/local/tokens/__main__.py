"""The child program: `python -m infra.local.tokens SEED COUNT PORT`, until it is told to stop."""

import sys

import uvicorn

from infra.local.ports import LOOPBACK
from infra.local.tokens.app import build_app


def main(arguments: list[str]) -> None:
    """Serve both sources on PORT."""
    seed, count, port = (int(argument) for argument in arguments)
    app = build_app(seed, count)
    # A slow answer may be under way for a long time; nobody waits for it at the end.
    uvicorn.run(app, host=LOOPBACK, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=0)


if __name__ == "__main__":
    main(sys.argv[1:])
