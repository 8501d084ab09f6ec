"""Gateways: whatever one of them does, nothing but the content itself comes out."""

import os
from collections.abc import Callable, Sequence

import pytest

from infra.local.ipfs import GATEWAY, Fault, Ipfs
from kernel.errors import CounterpartError
from kernel.pinning.blocks import (
    BLOCK_MAX_BYTES,
    CHUNK_BYTES,
    Block,
    BlockForged,
    Chunk,
    CidUnfit,
    leaf,
    root_of,
    tree_of,
)
from kernel.pinning.gateways import Gateway
from kernel.pinning.site import SiteUnavailable
from tests.integration.pinning.desk import TIMEOUT_S

pytestmark = pytest.mark.integration

Publish = Callable[[Sequence[Block]], str]
#: For what is waited for in vain, where nobody else has to answer meanwhile.
SILENCE_S = 0.5
#: Why it is given up, where that is not a client's own word.
REASONS = {
    Fault.BROKEN: "HTTP 500",
    Fault.BUSY: "HTTP 429",
    Fault.AWAY: "HTTP 307",
    Fault.ENDLESS: f"more than {BLOCK_MAX_BYTES} bytes",
    Fault.DRIPPING: "too slow",
}
SMALL, LARGE = b"small content", os.urandom(2 * CHUNK_BYTES + 7)


@pytest.fixture
def gateway(gateways: list[Gateway]) -> Gateway:
    return gateways[0]


@pytest.fixture
def cids(publish: Publish) -> dict[bytes, str]:
    """What is there, by its content."""
    return {content: publish(tree_of(content)) for content in (SMALL, LARGE, b"")}


def test_content_of_any_size_comes_back(gateway: Gateway, cids: dict[bytes, str]) -> None:
    """One block, a tree, and nothing at all."""
    assert {content: gateway.read(cid) for content, cid in cids.items()} == {content: content for content in cids}


def test_what_a_gateway_has_not_is_no_failure(gateway: Gateway, publish: Publish, ipfs: Ipfs) -> None:
    """Neither the content nor, where only the root is there, a chunk of it."""
    cid = publish(tree_of(LARGE))
    whole = gateway.read(cid)
    ipfs.forget()

    assert whole == LARGE
    assert gateway.read(cid) is None
    assert gateway.read(leaf(b"never seen").cid) is None


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["one block", "a tree"])
@pytest.mark.parametrize(
    ("fault", "timeout_s"),
    [
        (fault, SILENCE_S if fault in {Fault.SILENT, Fault.DRIPPING} else TIMEOUT_S)
        for fault in Fault
        if fault is not Fault.SLOW
    ],
)
def test_a_gateway_that_fails_gives_nothing(
    gateway: Gateway, cids: dict[bytes, str], ipfs: Ipfs, fault: Fault, content: bytes, timeout_s: float
) -> None:
    """Cut off, broken, silent, dripping, endless, sent elsewhere, or lying: an error, and never bytes."""
    ipfs.trouble(GATEWAY, fault, delay_s=0.2)
    with pytest.raises((SiteUnavailable, BlockForged)) as failed:
        gateway.read(cids[content])

    assert (fault is Fault.LYING) == isinstance(failed.value, BlockForged)
    assert failed.value.details.get("reason") == REASONS.get(fault, failed.value.details.get("reason"))


@pytest.mark.parametrize("timeout_s", [1.6])
def test_a_large_file_may_take_longer_than_one_block(
    gateway: Gateway, cids: dict[bytes, str], ipfs: Ipfs, timeout_s: float
) -> None:
    """Each block has its own time: four of them take longer together than one may."""
    ipfs.trouble(GATEWAY, Fault.SLOW, delay_s=timeout_s / 3)

    assert gateway.read(cids[LARGE]) == LARGE


def test_a_stranger_cannot_make_a_gateway_read_more_than_a_file(gateway: Gateway, publish: Publish, ipfs: Ipfs) -> None:
    """Roots with true names and false contents: another size than the chunk has, and a second level."""
    chunk = leaf(b"a chunk")
    wrong_size = root_of([Chunk(chunk.cid, 6), Chunk(chunk.cid, 7)])
    second_level = root_of([Chunk(wrong_size.cid, 7), Chunk(chunk.cid, 7)])
    for root in (wrong_size, second_level):
        publish([root, wrong_size, chunk])
    with pytest.raises(BlockForged):
        gateway.read(wrong_size.cid)
    with pytest.raises(CidUnfit):
        gateway.read(second_level.cid)


def test_only_cids_are_asked_for(gateway: Gateway, ipfs: Ipfs) -> None:
    """What a caller made up does not even leave."""
    before = ipfs.requests()[GATEWAY]
    for made_up in ("../../latest/meta-data", "bafkrei?format=raw", leaf(b"x").cid + "#"):
        with pytest.raises(CounterpartError):
            gateway.read(made_up)

    assert ipfs.requests()[GATEWAY] == before
