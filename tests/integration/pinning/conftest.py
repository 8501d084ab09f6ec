"""The stand-ins of IPFS, and the rooms over them."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from infra.local.ipfs import FILEBASE, FILEBASE_BUCKET, FILEBASE_KEYS, PINATA, PINATA_JWT, Ipfs
from kernel.breaker import Breakers
from kernel.pinning import Sources
from kernel.pinning.archives import archive_of
from kernel.pinning.blocks import Block
from kernel.pinning.filebase import Filebase
from kernel.pinning.gateways import Gateway
from kernel.pinning.pinata import Pinata
from kernel.pinning.sources import Bucket, Source
from kernel.postgres import Postgres
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryBoard, InMemoryQueue
from kernel.testing.content import InMemoryContent
from tests.integration.pinning.desk import ROLE, TIMEOUT_S, Desk


@pytest.fixture
def timeout_s() -> float:
    """A test that parametrises it has services and gateways of less patience."""
    return TIMEOUT_S


@pytest.fixture
def pinata(ipfs: Ipfs, timeout_s: float) -> Iterator[Pinata]:
    service = Pinata(lambda: PINATA_JWT, ipfs.urls[PINATA], plain_allowed=True, timeout_s=timeout_s)
    yield service
    service.close()


@pytest.fixture
def publish(ipfs: Ipfs) -> Iterator[Callable[[Sequence[Block]], str]]:
    """`publish(blocks)`: have them on IPFS, whatever the patience of the test; the CID."""
    service = Pinata(lambda: PINATA_JWT, ipfs.urls[PINATA], plain_allowed=True)

    def run(blocks: Sequence[Block]) -> str:
        service.pin(blocks[0].cid, archive_of(blocks))
        return blocks[0].cid

    yield run
    service.close()


@pytest.fixture
def filebase(ipfs: Ipfs, timeout_s: float) -> Iterator[Filebase]:
    url = ipfs.urls[FILEBASE]
    service = Filebase(lambda: FILEBASE_KEYS, FILEBASE_BUCKET, url, plain_allowed=True, timeout_s=timeout_s)
    yield service
    service.close()


@pytest.fixture
def gateways(ipfs: Ipfs, timeout_s: float) -> Iterator[list[Gateway]]:
    both = [Gateway(url, plain_allowed=True, timeout_s=timeout_s) for url in ipfs.gateway_urls]
    yield both
    for one in both:
        one.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> InMemoryContent:
    return InMemoryContent()


@pytest.fixture
def breakers(database_url: str, clock: FakeClock) -> Iterator[Breakers]:
    breakers = Breakers(Postgres(database_url, clock, role=ROLE), InMemoryBoard(clock), clock)
    yield breakers
    breakers.close()


@pytest.fixture
def sources_of(breakers: Breakers) -> Iterator[Callable[..., Sources]]:
    """`sources_of(one, two)`: raced; options of Sources. Whoever is late tells a breaker, whose database is here."""
    yield lambda *sources, **options: Sources(sources, breakers, **options)
    for thread in threading.enumerate():
        if thread.name.startswith("pins"):
            thread.join()


@pytest.fixture
def desk(
    database_url: str,
    clock: FakeClock,
    breakers: Breakers,
    store: InMemoryContent,
    gateways: list[Source],
    pinata: Pinata,
    filebase: Filebase,
    sources_of: Callable[..., Sources],
) -> Iterator[Desk]:
    postgres = Postgres(database_url, clock, role=ROLE)
    tasks = Tasks(postgres, InMemoryQueue(clock=clock), clock)
    yield Desk(postgres, tasks, clock, breakers, store, sources_of(Bucket(store), *gateways), [pinata, filebase])
    postgres.close()
