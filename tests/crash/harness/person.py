"""A person who holds a key outside, and signs what the console shows; their part passes points like everybody's."""

from collections.abc import Callable

from kernel.keys.external import payloads_of
from kernel.keys.requests import SignatureRequest, SignatureRequests
from tests.crash.harness.world import World


class Person:
    """Signs each open request, whenever it is their turn."""

    def __init__(self, world: World, sign: Callable[[SignatureRequest], str]) -> None:
        """sign: a wallet; from the request to the signature, as the person sends it."""
        self._sign = sign
        self.requests = SignatureRequests(world.postgres_as("counterpart_ops"), world.clock)
        self._world = world

    def is_asked(self) -> bool:
        """Whether a request waits."""
        return bool(self._world.rows("select 1 from kernel.signature_requests where state = 'open'"))

    def answer(self) -> None:
        """What POST /v1/ops/signatures/{id} does, for each."""
        for request in self.requests.waiting():
            self.requests.sign(request.id, self._sign(request), payloads_of, actor="a person")
