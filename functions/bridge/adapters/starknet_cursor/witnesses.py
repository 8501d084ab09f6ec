"""Owns what the readings of several nodes come to: which chain, and which events of it. Pure.

A header of Starknet has no bloom, so nothing in a node's answer shows what it left out. All that is believed is what
as many nodes say as must agree:

1. A node's chain is the blocks from the first one that is new to it. Two chains contradict each other where they begin
   at different heights, for one of them then still has a block that the other has dropped, or have different blocks at
   one height. A shorter one does not contradict.
2. The chain is the longest that enough nodes have, and fewer contradict. Where nobody has a new block, and enough say
   so, there is none.
3. Of the nodes with that chain, the events are those that enough tell, and more than tell any others.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from functions.bridge.adapters.starknet_rpc import Said
from kernel.evm.log_cursor.reorganisation import Link

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one node shows: its blocks from `start` on, and the watch's events of them."""

    start: int
    links: tuple[Link, ...] = ()
    events: tuple[Said, ...] = ()

    def up_to(self, links: tuple[Link, ...]) -> "Reading":
        """The same of these blocks, which it begins with."""
        return replace(self, links=links, events=tuple(one for one in self.events if one.block_number <= _last(links)))


@dataclass(frozen=True, slots=True)
class Shared(Generic[K]):
    """The chain that is believed, empty where nothing is new, and what each node that has it says of it."""

    links: tuple[Link, ...]
    readings: Mapping[K, Reading]


def shared_chain(readings: Mapping[K, Reading], needed: int) -> Shared[K] | None:
    """Points 1 and 2; None where the nodes have come to nothing."""
    candidates = [_longest(one, readings, needed) for one in readings.values()]
    return max((one for one in candidates if one is not None), key=lambda one: len(one.links), default=None)


def agreed_events(shared: Shared[K], needed: int) -> tuple[Said, ...] | None:
    """Point 3; None where the nodes contradict each other, or nobody tells."""
    told = Counter(reading.events for reading in shared.readings.values()).most_common()
    [(first, count), *others] = told or [((), 0)]
    if count < needed or (others and others[0][1] == count):
        return None
    return first


def disputed(shared: Shared[K]) -> list[Link]:
    """The blocks of whose events the nodes say different things."""
    told = [set(reading.events) for reading in shared.readings.values()]
    unsure = set[Said]().union(*told) - set[Said].intersection(*told)
    return [link for link in shared.links if any(one.block_number == link.number for one in unsure)]


def _longest(one: Reading, readings: Mapping[K, Reading], needed: int) -> Shared[K] | None:
    """The longest beginning of this node's chain that enough have, and fewer contradict."""
    for length in range(len(one.links), -1, -1):
        links = one.links[:length]
        having = {
            node: other.up_to(links)
            for node, other in readings.items()
            if other.start == one.start and other.links[:length] == links
        }
        against = sum(
            other.start != one.start or other.links[:length] != links[: len(other.links)] for other in readings.values()
        )
        if len(having) >= needed and len(having) > against:
            return Shared(links, having)
    return None


def _last(links: tuple[Link, ...]) -> int:
    return links[-1].number if links else -1
