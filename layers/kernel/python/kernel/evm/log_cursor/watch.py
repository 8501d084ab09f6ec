"""Owns what a log cursor watches for, how far one turn of it goes, and what came of the turn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kernel.chain_events import EvmEvent
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Log, Topics, topics_asked

_NAME: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A filter on one chain, under a name of its own, and the task that each of its events becomes.

    name: whose place in the chain is kept; chain and kind never change under a name. addresses: at least one; these and
    the topics may change, and what they ask for holds from the next block on (for older events take a new name).
    topics: what each position of a log's topics must be, one of several, or None for anything. kind: of the tasks; two
    watches of one kind share its tasks where their events are the same. start_block: the first one that is read.
    confirmations: how many blocks must lie on a block before its events are delivered; 0 delivers the newest, None asks
    for the node's `finalized` tag.
    """

    name: str
    chain_id: int
    addresses: tuple[str, ...]
    kind: str
    start_block: int
    topics: Topics = ()
    confirmations: int | None = 0

    def __post_init__(self) -> None:
        """Refuse what could never be read: ValueError."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a watch's name has 1 to 80 small letters, digits and _.:-, unlike {self.name[:100]!r}")
        if not self.addresses:
            raise ValueError("a watch names the contracts whose logs it wants")
        if len(self.topics) > 4:
            raise ValueError(f"a log has at most 4 topics, not {len(self.topics)}")
        if self.start_block < 0 or (self.confirmations or 0) < 0:
            raise ValueError("blocks and confirmations are counted from 0")
        object.__setattr__(self, "addresses", tuple(checksum(address) for address in self.addresses))

    def filter(self) -> dict[str, Any]:
        """The part of eth_getLogs' parameter that says which logs."""
        return {
            "address": list(self.addresses),
            "topics": topics_asked(self.topics),
        }

    def alternatives(self) -> tuple[tuple[bytes, ...], ...]:
        """For each position of the topics, what it may be; empty for anything."""
        return tuple(_alternatives(topic) for topic in self.topics)

    def wants(self, log: Log | EvmEvent) -> bool:
        """Whether a log is of this watch."""
        wanted = self.alternatives()
        if log.address not in self.addresses or len(log.topics) < len(wanted):
            return False
        return all(not any_of or topic in any_of for any_of, topic in zip(wanted, log.topics, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How far one turn goes at most: whichever is used up first ends it after the commit at hand."""

    blocks: int = 10_000
    seconds: float = 20.0


class Pause(StrEnum):
    """Why a turn ended."""

    AT_HEAD = "at_head"  # nothing is left to read
    BUDGET = "budget"  # there is more, for the next turn
    BEHIND = "behind"  # every endpoint lags behind what was read already
    UNSETTLED = "unsettled"  # the chain moves, or the endpoints do not agree on its newest blocks
    OVERTAKEN = "overtaken"  # another turn went on meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one turn did. `blocks` were read, `events` and `retractions` delivered; next_block is the first unread."""

    pause: Pause
    next_block: int
    blocks: int = 0
    events: int = 0
    retractions: int = 0
    alarm: str | None = None


def _alternatives(topic: bytes | Sequence[bytes] | None) -> tuple[bytes, ...]:
    if topic is None:
        return ()
    return (topic,) if isinstance(topic, bytes) else tuple(topic)
