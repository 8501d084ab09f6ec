"""Owns what a chain that a node shows means for the blocks already read: go on, go back, or wait (pure).

The *track* is what a watch remembers: the blocks it read last, linked, at most KEPT_MAX of them, and how often it has
read each block of those heights, dropped ones included.

1. The node's blocks must be linked by their parents' hashes and reach at least as high as the track: a node whose head
   is lower lags, or follows a fork that lost, and moves nothing.
2. The fork is the highest block of the track that the node's chain contains. What lies above it is dropped, newest
   first; what the node has above it is taken, oldest first.
3. When the chain contains none of the track, the fork lies below. If the track goes back to where the watch began,
   nothing older was ever delivered and all is read again from there. Otherwise the reorganisation is deeper than the
   memory: what is remembered is dropped, and the chain is read again from the oldest height remembered, with an alarm,
   because what was delivered of older blocks may have changed unseen.
4. A block that is read again is a further *reading* of it, and its events carry that number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

KEPT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Block:
    """A block's place and hash."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """A block as a node shows it: with the hash of the block that it continues."""

    number: int
    hash: bytes
    parent_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What is remembered; `blocks` are linked and ascend, and `readings` counts by hash."""

    start_block: int
    blocks: tuple[Block, ...] = ()
    readings: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def next_number(self) -> int:
        """The first height that has not been read."""
        return self.blocks[-1].number + 1 if self.blocks else self.start_block


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done: take back `dropped` (newest first), then read `taken` (oldest first)."""

    dropped: tuple[Block, ...]
    taken: tuple[Link, ...]
    #: The reorganisation goes deeper than the memory: retractions may be missing.
    is_too_deep: bool = False


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The node's blocks fit neither together nor to the track: its chain moved while it was read."""

    number: int


def is_linked(chain: Sequence[Link]) -> bool:
    """Whether each block continues the one before it."""
    return all(
        later.parent_hash == earlier.hash and later.number == earlier.number + 1 for earlier, later in pairwise(chain)
    )


def fork_of(track: Track, chain: Sequence[Link]) -> Block | None:
    """The highest block of the track that the chain contains, or continues; None when there is none.

    The chain is linked, so one block in common has all older ones in common.
    """
    shown = {link.number: link.hash for link in chain}
    if chain:
        shown.setdefault(chain[0].number - 1, chain[0].parent_hash)
    return next((block for block in reversed(track.blocks) if shown.get(block.number) == block.hash), None)


def lowest_needed(track: Track) -> int:
    """The height below which the node's blocks teach nothing: that of the oldest block remembered."""
    return track.blocks[0].number if track.blocks else track.start_block


def decide(track: Track, chain: Sequence[Link]) -> Step | Unlinked:
    """What the node's blocks mean. They must begin directly above the fork, or at lowest_needed where there is none.

    Blocks that begin higher, or end below what is remembered without leaving it, could hide a fork: Unlinked.
    """
    if not chain or not is_linked(chain):
        return Unlinked(chain[0].number if chain else track.next_number)
    fork = fork_of(track, chain)
    if fork is None:
        if chain[0].number != lowest_needed(track):
            return Unlinked(chain[0].number)
        is_too_deep = bool(track.blocks) and track.blocks[0].number > track.start_block
        return Step(dropped=track.blocks[::-1], taken=tuple(chain), is_too_deep=is_too_deep)
    new = tuple(link for link in chain if link.number > fork.number)
    if not new:
        return Unlinked(chain[-1].number)
    return Step(dropped=tuple(block for block in reversed(track.blocks) if block.number > fork.number), taken=new)


def taken(track: Track, step: Step) -> Track:
    """The track after the step: the newest KEPT_MAX blocks, and the readings of every block of their heights."""
    dropped = {block.hash for block in step.dropped}
    blocks = [block for block in track.blocks if block.hash not in dropped]
    blocks += [Block(link.number, link.hash) for link in step.taken]
    readings = dict(track.readings)
    for link in step.taken:
        readings[link.hash] = readings.get(link.hash, 0) + 1
    return Track(start_block=track.start_block, blocks=tuple(blocks[-KEPT_MAX:]), readings=readings)
