"""Owns the kernel of handler tests: a real database, and the kernel's fakes for everything else."""

from kernel.clock import Clock
from kernel.settings import KernelSettings
from kernel.testing.board import InMemoryBoard
from kernel.testing.cache import InMemoryCache
from kernel.testing.clock import FakeClock
from kernel.testing.content import InMemoryContent
from kernel.testing.kms import InMemoryKms
from kernel.testing.limiter import InMemoryLimiter
from kernel.testing.objects import InMemoryObjects
from kernel.testing.queue import InMemoryQueue
from kernel.testing.realtime import InMemoryRealtime
from kernel.testing.secrets import InMemorySecrets
from kernel.wiring import Kernel

KEY_ID = "test-key"
JWT_SECRET = "only-for-tests-" + "0123456789abcdef" * 2


def settings_for(database_url: str) -> KernelSettings:
    """Settings of the stage "test", complete without an environment."""
    return KernelSettings(
        stage="test",
        database_url=f"plain:{database_url}",
        redis_rest_url="http://redis.invalid",
        redis_rest_token="plain:none",  # noqa: S106 (nothing is there to be opened)
        queue_url_prefix="http://queues.invalid/",
        kms_key_id=KEY_ID,
        jwt_secret=f"plain:{JWT_SECRET}",
        sign_in_domain="app.counterpart.test",
        sign_in_chains="evm:1,solana:mainnet",
    )


class FakedKernel(Kernel):
    """A Kernel on a real database; its other attributes are fakes: `queue`, `memory`, `keys`, `news` and so on."""

    def __init__(self, database_url: str, *, role: str | None = None, clock: Clock | None = None) -> None:
        present = clock or FakeClock()
        self.queue = InMemoryQueue(clock=present)
        self.memory = InMemoryCache(present)
        self.counter = InMemoryLimiter(present)
        self.keys = InMemoryKms((KEY_ID,))
        self.posted = InMemoryBoard(present)
        self.news = InMemoryRealtime()
        self.kept = InMemoryContent()
        self.stored = InMemoryObjects()
        super().__init__(
            settings_for(database_url),
            role=role,
            clock=present,
            secrets=InMemorySecrets(),
            sender=self.queue,
            cache=self.memory,
            limiter=self.counter,
            kms=self.keys,
            board=self.posted,
            publisher=self.news,
            content=self.kept,
            objects=self.stored,
        )
