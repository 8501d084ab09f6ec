"""The bloom of a header, and what it proves about the logs that a node gave."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.evm.addresses import checksum
from kernel.evm.blocks import Log
from kernel.evm.log_cursor.bloom import bits_of, bloom_of, claims
from kernel.evm.log_cursor.headers import Header
from kernel.evm.log_cursor.proof import impossible, is_claimed, is_whole
from kernel.evm.log_cursor.watch import Watch

pytestmark = pytest.mark.unit

HERE, ELSEWHERE = "0x" + "c0" * 20, "0x" + "d0" * 20
TOPIC, OTHER, THIRD = bytes([0x11]) * 32, bytes([0x22]) * 32, bytes([0x33]) * 32
HASH = bytes([0xAA]) * 32


def log(address: str = HERE, topics: tuple[bytes, ...] = (TOPIC,), index: int = 0, block: bytes = HASH) -> Log:
    return Log(
        address=checksum(address),
        topics=topics,
        data=b"",
        block_number=7,
        block_hash=block,
        transaction_hash=bytes(32),
        log_index=index,
    )


def header(*logs: Log) -> Header:
    return Header(number=7, hash=HASH, parent_hash=bytes(32), bloom=bloom_of(logs))


def watch(**changes: Any) -> Watch:
    fields: dict[str, Any] = {"name": "one", "chain_id": 1, "addresses": (HERE,), "kind": "ops.hear", "start_block": 0}
    return Watch(**fields | changes)


def test_the_bits_are_those_of_ethereum() -> None:
    """Three, at the low 11 bits of the first three pairs of octets of the Keccak hash."""
    # keccak256(b"") = c5d2 4601 86f7 ...: 0x5d2, 0x601, 0x6f7.
    assert bits_of(b"") == (1 << 0x5D2) | (1 << 0x601) | (1 << 0x6F7)
    # keccak256(b"abc") = 4e03 657a ea45 ...: the higher five bits of each pair do not count.
    assert bits_of(b"abc") == (1 << 0x603) | (1 << 0x57A) | (1 << 0x245)


@given(values=st.lists(st.binary(min_size=20, max_size=32), min_size=1, max_size=30))
def test_what_was_added_is_claimed(values: list[bytes]) -> None:
    """A bloom has no false negatives."""
    bloom = 0
    for value in values:
        bloom |= bits_of(value)

    assert all(claims(bloom, value) for value in values)


def test_two_bits_of_three_are_no_claim() -> None:
    """A single missing bit proves absence."""
    mask = bits_of(TOPIC)

    assert claims(mask, TOPIC) is True
    assert claims(mask & (mask - 1), TOPIC) is False


@pytest.mark.parametrize(
    ("logs", "changes", "claimed"),
    [
        pytest.param([log()], {}, True, id="our address"),
        pytest.param([log(ELSEWHERE)], {}, False, id="another address"),
        pytest.param([log()], {"topics": (TOPIC,)}, True, id="our topic"),
        pytest.param([log()], {"topics": (OTHER,)}, False, id="another topic"),
        pytest.param([log()], {"topics": ((OTHER, TOPIC),)}, True, id="one of two topics"),
        pytest.param([log()], {"topics": (None, TOPIC)}, True, id="any first topic"),
        pytest.param([log()], {"topics": (TOPIC, OTHER)}, False, id="the second topic is missing"),
        pytest.param([log(ELSEWHERE)], {"addresses": (HERE, ELSEWHERE)}, True, id="one of two addresses"),
        pytest.param([log(topics=(OTHER,)), log(ELSEWHERE)], {"topics": (TOPIC,)}, True, id="claimed by accident"),
        pytest.param([], {}, False, id="an empty block"),
    ],
)
def test_which_blocks_are_claimed(logs: list[Log], changes: dict[str, Any], claimed: bool) -> None:
    """An address and, for each position that matters, one of its topics."""
    assert is_claimed(header(*logs), watch(**changes)) is claimed


def test_the_logs_of_a_block_are_possible() -> None:
    """Two logs of one block, both asked for."""
    logs = [log(), log(index=1)]

    assert impossible(logs, {7: header(*logs)}, watch()) is None


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        pytest.param([log(block=bytes(32))], "not the chain's", id="of another block"),
        pytest.param([replace(log(), block_number=8)], "not the chain's", id="of a height that was not read"),
        pytest.param([log(ELSEWHERE)], "not asked for", id="of another contract"),
        pytest.param([log(topics=(OTHER,))], "not asked for", id="of another topic"),
        pytest.param([log(topics=())], "not asked for", id="without the topic"),
        pytest.param([log(topics=(TOPIC, THIRD))], "excludes", id="not in the bloom"),
        pytest.param([log(), log()], "twice", id="twice"),
    ],
)
def test_logs_that_cannot_be(logs: list[Log], reason: str) -> None:
    """Whoever gives one of these is not believed."""
    problem = impossible(logs, {7: header(log(), log(ELSEWHERE), log(topics=(OTHER,)))}, watch(topics=(TOPIC,)))

    assert problem is not None
    assert reason in problem


def test_all_logs_of_a_block_add_up_to_its_bloom() -> None:
    """One that is missing leaves bits over; one too many sets bits that are not there."""
    logs = [log(), log(ELSEWHERE, topics=(OTHER,))]

    assert is_whole(logs, header(*logs)) is True
    assert is_whole(logs[:1], header(*logs)) is False
    assert is_whole([*logs, log(topics=(THIRD,))], header(*logs)) is False


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "No"}, "small letters"),
        ({"addresses": ()}, "names the contracts"),
        ({"topics": (None,) * 5}, "at most 4"),
        ({"start_block": -1}, "from 0"),
        ({"confirmations": -1}, "from 0"),
    ],
)
def test_a_watch_that_could_never_be_read_is_refused(changes: dict[str, Any], words: str) -> None:
    """A mistake in a watch shows when it is made."""
    with pytest.raises(ValueError, match=words):
        watch(**changes)
