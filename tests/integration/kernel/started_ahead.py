"""What Lambda's runtime client calls in the tests of containers that start ahead of their first call."""

import itertools
import random

from kernel.handler import SocketCall, SocketReply, websocket
from kernel.wiring import Kernel, KernelDeps

#: As if the process had been given its numbers before the snapshot.
SEED = 7
random.seed(SEED)
_numbers = itertools.count(1)


class Deps(KernelDeps):
    """The kernel's, with their number in this process."""

    def __init__(self) -> None:
        super().__init__(Kernel.from_environment())
        self.number = next(_numbers)


@websocket(Deps)
def handler(_call: SocketCall, deps: Deps) -> SocketReply:
    """Which dependencies these are, over which connection, and a random number."""
    with deps.kernel.postgres.transaction() as tx:
        session = tx.one("select pg_backend_pid() as id")["id"]
    return SocketReply(body={"number": deps.number, "session": session, "random": random.random()})
