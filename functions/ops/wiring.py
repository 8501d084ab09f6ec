"""The ops slice's configuration and dependencies; the only file of the slice that reads the environment."""

from functools import cached_property

from functions.ops.adapters.connections import Connections
from kernel.audit import Audit
from kernel.keys.requests import SignatureRequests
from kernel.postgres import Partitions
from kernel.tasks import DeadLetters
from kernel.wiring import Kernel, KernelDeps

ROLE = "counterpart_ops"


class Deps(KernelDeps):
    """What the ops handlers use."""

    @cached_property
    def audit(self) -> Audit:
        """The record of privileged acts."""
        return Audit(self.kernel.postgres, self.clock)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Messages that were given up."""
        return DeadLetters(self.tasks)

    @cached_property
    def signatures(self) -> SignatureRequests:
        """What outside signers are asked to sign."""
        return SignatureRequests(self.kernel.postgres, self.clock)

    @cached_property
    def partitions(self) -> Partitions:
        """Daily partitions of the tables that are registered for them."""
        return Partitions(self.kernel.postgres, self.clock)


class RealtimeDeps(KernelDeps):
    """What the WebSocket handlers use: Redis, and no database."""

    @cached_property
    def connections(self) -> Connections:
        """Who is connected."""
        return Connections(self.kernel.cache)

    def check(self) -> None:
        """Nothing to check: the registry may be lost."""


def build_deps() -> Deps:
    """The dependencies of one container, from the environment."""
    return Deps(Kernel.from_environment(role=ROLE))


def build_realtime_deps() -> RealtimeDeps:
    """The dependencies of one container that serves WebSockets, from the environment."""
    return RealtimeDeps(Kernel.from_environment(role=ROLE))
