"""The race of bucket and gateways: who is slow, silent or lying is not felt, and never believed."""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event

import pytest

from infra.local.ipfs import GATEWAY, MIRROR, Fault, Ipfs
from kernel.breaker import Breakers, State
from kernel.pinning import CidUnfit, ContentUnavailable, Encoding, Sources, StoreUnavailable, StoreUnusable
from kernel.pinning.blocks import CHUNK_BYTES, Block, leaf, tree_of
from kernel.pinning.gateways import Gateway
from kernel.pinning.sources import Bucket
from kernel.testing import FakeClock
from kernel.testing.content import InMemoryContent
from tests.integration.pinning.desk import IMPATIENT_S, TIMEOUT_S

pytestmark = pytest.mark.integration

SMALL, LARGE = b"small content", os.urandom(CHUNK_BYTES + 7)
SourcesOf = Callable[..., Sources]


@pytest.fixture
def cid(publish: Callable[[Sequence[Block]], str], store: InMemoryContent) -> str:
    """Of LARGE, which the gateways and the bucket have."""
    cid = publish(tree_of(LARGE))
    store.put(cid, LARGE, media_type="text/plain", encoding=Encoding.IDENTITY)
    return cid


@pytest.fixture
def everybody(sources_of: SourcesOf, store: InMemoryContent, gateways: list[Gateway]) -> Sources:
    return sources_of(Bucket(store), *gateways)


class Scripted:
    """A source that answers what it is told to, when it is told to."""

    def __init__(self, name: str, answer: bytes | None, *, waits_for: Event | None = None) -> None:
        self.name, self.answer, self.waits_for, self.asked = name, answer, waits_for, 0

    def read(self, cid: str) -> bytes | None:
        self.asked += 1
        if self.waits_for is not None:
            assert self.waits_for.wait(60)
        return self.answer


def names(gateways: list[Gateway]) -> list[str]:
    return [one.name for one in gateways]


def test_the_bucket_alone_is_asked_while_it_is_well(everybody: Sources, cid: str, ipfs: Ipfs) -> None:
    """Gateways are there for when it is not."""
    before = ipfs.requests()

    assert everybody.read(cid) == LARGE
    assert ipfs.requests() == before


@pytest.mark.parametrize("failure", [StoreUnavailable(), StoreUnusable()], ids=["away", "unusable"])
def test_a_bucket_that_fails_is_not_felt(
    everybody: Sources, store: InMemoryContent, cid: str, failure: StoreUnavailable | StoreUnusable
) -> None:
    """A gateway is asked at once."""
    store.failure = failure

    assert everybody.read(cid) == LARGE


def test_a_bucket_that_lost_it_or_lies_is_not_felt(
    everybody: Sources, store: InMemoryContent, cid: str, breakers: Breakers
) -> None:
    """Other bytes under the name are worth nothing; not having it is no failure, having changed it is one."""
    for content in (SMALL, LARGE + b"!", b"", bytes(40 * CHUNK_BYTES)):
        store.objects[cid] = replace(store.objects[cid], content=content)

        assert everybody.read(cid) == LARGE
    liar = breakers.condition(Bucket.name).state
    breakers.reset(Bucket.name, "an operator", "the bucket was restored")
    del store.objects[cid]

    assert everybody.read(cid) == LARGE
    assert (liar, breakers.condition(Bucket.name).state) == (State.CIRCUIT_OPEN, State.ACTIVE)


@pytest.mark.parametrize(
    ("fault", "timeout_s"),
    [
        (Fault.DOWN, TIMEOUT_S),
        (Fault.BROKEN, TIMEOUT_S),
        (Fault.LYING, TIMEOUT_S),
        (Fault.ENDLESS, TIMEOUT_S),
        (Fault.AWAY, TIMEOUT_S),
        (Fault.SILENT, IMPATIENT_S),
    ],
)
def test_one_gateway_that_fails_is_not_felt(
    everybody: Sources, store: InMemoryContent, cid: str, ipfs: Ipfs, fault: Fault, timeout_s: float
) -> None:
    """The other one answers, whatever the first one does; the bucket is empty."""
    store.objects.clear()
    for door in (GATEWAY, MIRROR):
        ipfs.heal()
        ipfs.trouble(door, fault)

        assert everybody.read(cid) == LARGE


def test_who_is_late_has_company_and_whoever_comes_first_wins(sources_of: SourcesOf) -> None:
    """The next one is asked long before the first one's time is over."""
    never = Event()
    cid = leaf(SMALL).cid
    first, second = Scripted("gateway:first", SMALL, waits_for=never), Scripted("gateway:second", SMALL)
    content = sources_of(first, second, hedge_s=0.05).read(cid)
    never.set()

    assert content == SMALL
    assert (first.asked, second.asked) == (1, 1)


def test_who_is_late_still_counts(sources_of: SourcesOf) -> None:
    """Where the others have nothing, the slow one's answer is the answer."""
    come = Event()
    slow = Scripted("gateway:slow", SMALL, waits_for=come)
    waker = Scripted("gateway:waker", None)
    waker.read = lambda cid: come.set()  # type: ignore[method-assign]  # it only wakes the other

    assert sources_of(slow, waker, hedge_s=0.05).read(leaf(SMALL).cid) == SMALL


def test_patience_ends(sources_of: SourcesOf) -> None:
    """Where everybody is silent the caller hears of it, and of each."""
    never = Event()
    silent = [Scripted(f"gateway:{name}", SMALL, waits_for=never) for name in ("one", "two")]
    began_s = time.monotonic()
    with pytest.raises(ContentUnavailable) as failed:
        sources_of(*silent, hedge_s=0.02, patience_s=0.2).read(leaf(SMALL).cid)
    never.set()

    assert failed.value.details["sources"] == "gateway:one: too slow, gateway:two: too slow"
    assert time.monotonic() - began_s < 30


def test_nothing_unverified_is_ever_returned(
    sources_of: SourcesOf, breakers: Breakers, clock: FakeClock, record_property: Callable[[str, object], None]
) -> None:
    """Whatever the sources say, in whatever order they come: the content, or nothing."""
    seed = 20261121
    record_property("seed", seed)
    dice = random.Random(seed)
    cid = leaf(SMALL).cid
    outcomes: list[bytes | None] = []
    for turn in range(25):
        answers = [dice.choice([None, b"", SMALL, SMALL[:-1], SMALL + b"\0", b"lies"]) for _ in range(4)]
        sources = [Scripted(f"gateway:{turn}-{i}", answer) for i, answer in enumerate(answers)]
        try:
            outcomes.append(sources_of(*sources).read(cid))
        except ContentUnavailable:
            outcomes.append(None)

        assert (outcomes[-1] == SMALL) == (SMALL in answers)
    assert set(outcomes) == {SMALL, None}


def test_a_liars_breaker_is_told(sources_of: SourcesOf, breakers: Breakers) -> None:
    """After three lies it is not asked any more; one that has nothing is asked for ever."""
    cid = leaf(SMALL).cid
    liar, poor, honest = (
        Scripted("gateway:liar", b"lies"),
        Scripted("gateway:poor", None),
        Scripted("gateway:honest", SMALL),
    )
    for _ in range(5):
        sources_of(liar, poor, honest).read(cid)
    changes = [change.reason for change in breakers.changes() if change.dependency == liar.name]

    assert (liar.asked, breakers.condition(liar.name).state) == (3, State.CIRCUIT_OPEN)
    assert changes[-1] == "block_forged"
    assert (poor.asked, breakers.condition(poor.name).state) == (5, State.ACTIVE)


def test_a_source_that_recovered_is_asked_again(sources_of: SourcesOf, breakers: Breakers, clock: FakeClock) -> None:
    """Once its reset is over: by one caller, who is not hurt if it still lies."""
    cid = leaf(SMALL).cid
    first, second = Scripted("gateway:first", b"lies"), Scripted("gateway:second", SMALL)
    sources = sources_of(first, second)
    for wait_s in (0, 0, 0, 301, 301):
        clock.advance(wait_s)
        first.answer = SMALL if first.asked == 4 else b"lies"

        assert sources.read(cid) == SMALL
    assert (first.asked, second.asked) == (5, 4)
    assert breakers.condition(first.name).is_closed


def test_where_nobody_has_it_each_is_named(everybody: Sources, gateways: list[Gateway]) -> None:
    """Absent from the bucket and from both gateways."""
    with pytest.raises(ContentUnavailable) as failed:
        everybody.read(leaf(b"never seen").cid)

    wanted = ", ".join(f"{name}: absent" for name in [Bucket.name, *names(gateways)])
    assert failed.value.details["sources"] == wanted


def test_a_circuit_that_is_open_is_named_and_left_alone(sources_of: SourcesOf) -> None:
    """While nobody else has it, too."""
    liar, poor = Scripted("gateway:liar", b"lies"), Scripted("gateway:poor", None)
    told = set()
    for _ in range(5):
        with pytest.raises(ContentUnavailable) as failed:
            sources_of(liar, poor).read(leaf(SMALL).cid)
        told.add(failed.value.details["sources"])

    assert (liar.asked, poor.asked) == (3, 5)
    assert told == {f"gateway:liar: {why}, gateway:poor: absent" for why in ("block_forged", "circuit_open")}


def test_what_is_no_cid_is_asked_of_nobody(everybody: Sources, store: InMemoryContent) -> None:
    """Not even of the bucket, where it would be part of a key."""
    store.failure = StoreUnavailable()
    with pytest.raises(CidUnfit):
        everybody.read("../secrets")
