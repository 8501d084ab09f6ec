"""What several nodes' readings of Starknet come to."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.adapters.starknet_cursor.witnesses import (
    Reading,
    Shared,
    agreed_events,
    disputed,
    shared_chain,
)
from functions.bridge.adapters.starknet_rpc import Said
from kernel.evm.log_cursor.reorganisation import Link

pytestmark = pytest.mark.unit


def reading(blocks: str, start: int = 1, said: Sequence[Said] = ()) -> Reading:
    """A chain that begins at `start`; a block's letter is its hash."""
    links, parent = [], "0"
    for number, letter in enumerate(blocks, start):
        links.append(Link(number, letter.encode(), parent.encode()))
        parent = letter
    return Reading(start, tuple(links), tuple(said))


def chain(*readings: Reading, needed: int = 2) -> str | None:
    """The letters of what they come to."""
    shared = shared_chain(dict(enumerate(readings)), needed)
    return None if shared is None else "".join(link.hash.decode() for link in shared.links)


def said(number: int, *data: int) -> Said:
    """An event of a block."""
    return Said(block_number=number, block_hash=b"", transaction_hash=bytes([number]), ordinal=0, keys=(1,), data=data)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([reading("ab"), reading("ab")], "ab"),
        ([reading("abc"), reading("ab")], "ab"),  # what one alone has is waited for
        ([reading("abc"), reading("ab"), reading("")], "ab"),  # a shorter one does not contradict
        ([reading("abc"), reading("abc"), reading("a"), reading("")], "abc"),
        ([reading("abc"), reading(""), reading("")], ""),  # nothing is new, say two
        ([reading("ab"), reading("ax")], "a"),
        ([reading("ab"), reading("xy")], ""),
        ([reading("ab"), reading("xy"), reading("xy")], "xy"),
        ([reading("ab")], None),
        ([], None),
        ([reading("yz", start=3), reading("xyz", start=2)], None),  # one has left our chain, one has not
        ([reading("", start=3), reading("xyz", start=2), reading("xyz", start=2)], "xyz"),
        ([reading("", start=3), reading("", start=3), reading("xyz", start=2), reading("xyz", start=2)], None),
    ],
)
def test_the_chain_is_what_enough_have_and_fewer_contradict(readings: list[Reading], expected: str | None) -> None:
    """The longest beginning that two share."""
    assert expected == chain(*readings)


def test_one_node_is_enough_where_one_must_agree() -> None:
    """Unless as many contradict it."""
    assert "ab" == chain(reading("ab"), needed=1)
    assert "" == chain(reading("ab"), reading("xy"), needed=1)


@given(st.lists(st.text("ab", max_size=4), min_size=1, max_size=5), st.integers(1, 3))
def test_no_block_is_believed_that_too_few_have(chains: list[str], needed: int) -> None:
    """Whatever the others show; and never one that as many contradict."""
    found = chain(*map(reading, chains), needed=needed)

    if found:
        having = sum(one.startswith(found) for one in chains)
        against = sum(not (one.startswith(found) or found.startswith(one)) for one in chains)
        assert having >= needed
        assert having > against


def shared(*events: Sequence[Said], blocks: str = "abc") -> Shared[int]:
    """Nodes with one chain, and what each says of it."""
    found = shared_chain({node: reading(blocks, said=one) for node, one in enumerate(events)}, 1)
    assert found is not None
    return found


def test_events_are_those_that_enough_tell() -> None:
    """Not one that tells more, or less, or other felts, or another order."""
    first, second = said(1, 7), said(2, 8)

    assert (first, second) == agreed_events(shared([first, second], [first, second], [first]), 2)
    assert agreed_events(shared([first, second], [first]), 2) is None
    assert agreed_events(shared([first], [replace(first, data=(9,))]), 2) is None
    assert agreed_events(shared([first, second], [first, second], [first], [first]), 2) is None
    assert (first,) == agreed_events(shared([first]), 1)
    assert () == agreed_events(shared([], []), 2)
    assert agreed_events(shared([first]), 2) is None
    assert agreed_events(replace(shared([first]), readings={}), 1) is None


def test_events_past_the_shared_blocks_do_not_count() -> None:
    """Somebody is further ahead."""
    known, further = said(1, 7), said(2, 8)
    found = shared_chain({0: reading("ab", said=[known, further]), 1: reading("a", said=[known])}, 2)

    assert found is not None
    assert (known,) == agreed_events(found, 2)


def test_disputed_blocks_are_those_of_which_different_things_are_told() -> None:
    """The others need no receipts."""
    found = shared([said(1, 7), said(3, 9)], [said(1, 7)])

    assert [3] == [link.number for link in disputed(found)]
