"""What a node's blocks mean for those already read, tried against a naive consumer of every history there is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.evm.log_cursor.reorganisation import (
    KEPT_MAX,
    Block,
    Link,
    Step,
    Track,
    Unlinked,
    decide,
    fork_of,
    is_linked,
    lowest_needed,
    taken,
)

pytestmark = pytest.mark.unit

START = 10


def chain(names: str, start: int = START) -> tuple[Link, ...]:
    """A chain in which each letter is a block; the parent of the first is "^"."""
    hashes = [name.encode() for name in names]
    return tuple(
        Link(start + place, own, parent)
        for place, (parent, own) in enumerate(zip([b"^", *hashes], hashes, strict=False))
    )


def track(names: str, start: int = START, first: int | None = None) -> Track:
    """The track of a watch that has read these blocks, the first of them at height `first`."""
    first = start if first is None else first
    blocks = tuple(Block(first + place, name.encode()) for place, name in enumerate(names))
    return Track(start_block=start, blocks=blocks, readings={block.hash: 1 for block in blocks})


def named(step: Step | Unlinked) -> tuple[str, str]:
    """What a step drops and takes, as letters."""
    assert isinstance(step, Step)
    return "".join(one.hash.decode() for one in step.dropped), "".join(one.hash.decode() for one in step.taken)


@pytest.mark.parametrize(
    ("read", "shown", "first", "dropped", "taken_"),
    [
        pytest.param("", "abc", 0, "", "abc", id="the first turn"),
        pytest.param("abc", "abcde", 3, "", "de", id="further blocks"),
        pytest.param("abc", "abcde", 2, "", "de", id="a block in common is not taken again"),
        pytest.param("abc", "abX", 2, "c", "X", id="one block replaced"),
        pytest.param("abc", "aXYZ", 1, "cb", "XYZ", id="two blocks replaced, the newest dropped first"),
        pytest.param("abcdef", "aXYZVW", 1, "fedcb", "XYZVW", id="five blocks replaced"),
        pytest.param("abc", "XYZV", 0, "cba", "XYZV", id="all blocks replaced since the start"),
    ],
)
def test_what_is_dropped_and_taken(read: str, shown: str, first: int, dropped: str, taken_: str) -> None:
    """Down to the fork, and up from it; a start that is remembered is no alarm."""
    step = decide(track(read), chain(shown)[first:])

    assert named(step) == (dropped, taken_)
    assert isinstance(step, Step)
    assert step.is_too_deep is False


def test_a_fork_below_the_memory_is_too_deep() -> None:
    """What is remembered begins above the start, and none of it is left."""
    step = decide(track("cde", first=START + 2), chain("XYZV")[2:] + chain("XYZVW")[4:])

    assert named(step) == ("edc", "ZVW")
    assert isinstance(step, Step)
    assert step.is_too_deep is True


@pytest.mark.parametrize(
    ("read", "shown"),
    [
        pytest.param("abc", (), id="nothing"),
        pytest.param("abc", chain("abcd")[:2], id="an end below what is remembered"),
        pytest.param("abc", chain("aXYZV")[3:], id="a beginning above the fork"),
        pytest.param("abc", (*chain("abcd")[3:], *chain("XYZVWU")[5:]), id="a gap in the hashes"),
        pytest.param("abc", (*chain("abcd")[3:], Link(START + 5, b"e", b"d")), id="a gap in the heights"),
        pytest.param("", chain("abc")[1:], id="a beginning above the start"),
    ],
)
def test_blocks_that_show_too_little_decide_nothing(read: str, shown: Sequence[Link]) -> None:
    """The chain moved while it was read: the next look is another one."""
    assert isinstance(decide(track(read), shown), Unlinked)


def test_the_fork_is_the_highest_block_in_common() -> None:
    """Also the one that the first block shown continues."""
    assert fork_of(track("abcd"), chain("abcX")) == Block(START + 2, b"c")
    assert fork_of(track("abcd"), chain("abcX")[3:]) == Block(START + 2, b"c")
    assert fork_of(track("abcd"), chain("abcX")[:2]) == Block(START + 1, b"b")
    assert fork_of(track("abcd"), chain("WXYZ")) is None
    assert fork_of(track("abcd"), ()) is None


def test_links() -> None:
    """Each continues the one before, by hash and by height."""
    assert is_linked(chain("abc")) is True
    assert is_linked((*chain("ab"), Link(START + 2, b"c", b"X"))) is False
    assert is_linked((*chain("ab"), Link(START + 3, b"c", b"b"))) is False


def test_256_blocks_are_remembered_and_every_reading_is_counted() -> None:
    """The oldest go first; a block that returns is a second reading."""
    numbers = range(START, START + KEPT_MAX + 4)
    long = tuple(Link(number, bytes([number % 256, number // 256]), b"?") for number in numbers)
    memory = taken(Track(start_block=START), Step(dropped=(), taken=long))
    again = taken(memory, Step(dropped=memory.blocks[:-3:-1], taken=long[-2:]))

    assert (len(memory.blocks), memory.blocks[0].number, memory.next_number) == (256, START + 4, START + 260)
    assert [again.readings[link.hash] for link in long[-3:]] == [1, 2, 2]
    assert [block.number for block in again.blocks] == list(numbers)[-256:]


def test_an_empty_memory_starts_at_the_start() -> None:
    """The first height needed is the one that the watch names."""
    assert (lowest_needed(track("")), track("").next_number) == (START, START)
    assert (lowest_needed(track("abc", first=START + 4)), track("abc").next_number) == (START + 4, START + 3)


@dataclass
class Consumer:
    """Believes what it is told in order, and refuses what makes no sense."""

    true: dict[bytes, int] = field(default_factory=dict)
    identities: set[tuple[bytes, int, bool]] = field(default_factory=set)

    def hear(self, block: bytes, occurrence: int, *, removed: bool) -> None:
        assert (block, occurrence, removed) not in self.identities
        self.identities.add((block, occurrence, removed))
        if removed:
            assert self.true.pop(block) == occurrence
        else:
            assert block not in self.true
            self.true[block] = occurrence


def follow(memory: Track, told: Sequence[Link], consumer: Consumer, span: int) -> Track:
    """One turn over a chain that is at least as high as the memory, as the cursor makes it."""
    while memory.next_number <= told[-1].number or (memory.blocks and fork_of(memory, told) != memory.blocks[-1]):
        fork = fork_of(memory, told)
        first = lowest_needed(memory) if fork is None else fork.number + 1
        begin = first - START
        step = decide(memory, told[begin : begin + span])
        assert isinstance(step, Step)
        for block in step.dropped:
            consumer.hear(block.hash, memory.readings[block.hash], removed=True)
        memory = taken(memory, step)
        for link in step.taken:
            consumer.hear(link.hash, memory.readings[link.hash], removed=False)
    return memory


def histories() -> st.SearchStrategy[list[str]]:
    """Chains that fork anywhere and grow: each block is a letter, and a letter at a height has one history."""
    return st.lists(st.text("AB", min_size=1, max_size=14), min_size=1, max_size=8)


@given(histories=histories(), spans=st.lists(st.integers(1, 9), min_size=8, max_size=8))
@settings(max_examples=300)
def test_what_stands_in_the_end_is_the_last_chain(histories: list[str], spans: list[int]) -> None:
    """Any sequence of chains, A, B and A again included, read in any spans: each identity once, and the last one true.

    A block is named by all that lies below it, so two chains share exactly what they have in common.
    """
    memory, consumer, last = Track(start_block=START), Consumer(), ""
    for names, span in zip(histories, spans, strict=False):
        if START + len(names) < memory.next_number:
            continue  # lower than what was read: the cursor waits
        told = [Link(START + place, names[: place + 1].encode(), names[:place].encode()) for place in range(len(names))]
        memory = follow(memory, told, consumer, span)
        last = names

    assert list(consumer.true) == [last[: place + 1].encode() for place in range(len(last))]
    assert [block.hash for block in memory.blocks] == list(consumer.true)
