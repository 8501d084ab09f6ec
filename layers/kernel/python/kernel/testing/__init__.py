"""Owns the kernel's fakes: each passes the same contract suite as the real thing it stands for."""

from kernel.testing.board import InMemoryBoard
from kernel.testing.cache import InMemoryCache
from kernel.testing.clock import FakeClock
from kernel.testing.kms import InMemoryKms
from kernel.testing.limiter import InMemoryLimiter
from kernel.testing.objects import InMemoryObjects
from kernel.testing.queue import InMemoryQueue, ReceivedMessage, SentMessage
from kernel.testing.realtime import InMemoryRealtime
from kernel.testing.secrets import InMemorySecrets

__all__ = [
    "FakeClock",
    "InMemoryBoard",
    "InMemoryCache",
    "InMemoryKms",
    "InMemoryLimiter",
    "InMemoryObjects",
    "InMemoryQueue",
    "InMemoryRealtime",
    "InMemorySecrets",
    "ReceivedMessage",
    "SentMessage",
]
