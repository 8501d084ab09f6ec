"""Owns who gets which messages of one step of a fan-out: a pure plan from what the script in Redis saw.

Subscribers of a topic are kept in shards. A shard has one cursor (the last message that everybody in it has), and a
position of its own for each subscriber that is elsewhere: one that came later, or one that resumes. One fan-out at a
time works on a shard, so that each subscriber gets its messages one after another, in order, and once:

    1. claim the shard; the script tells members, positions, and the messages from the lowest position on;
    2. give each member the messages after its position (this plan), many members at a time, each in order;
    3. move the cursor and the positions in one atomic step that also tells what is next; nothing: the shard is free.

Who dies in 2 is followed by another after the lease, which repeats the step: a client that has a sequence number
already drops it. What the backlog no longer holds is told as a gap, never skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kernel.realtime import messages

#: When more of a step's clients than one in so many are not taken, API Gateway is the reason and not they.
FEW: Final = 10


class Fate(StrEnum):
    """What became of one message for one client."""

    PUSHED = "pushed"
    GONE = "gone"
    #: The client did not take it in time.
    SLOW = "slow"
    #: API Gateway did not: throttled, refused, or away.
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the script saw: texts[0] has the sequence number `first`, the last one `upto`."""

    topic: str
    shard: int
    epoch: str
    cursor: int
    #: The lowest sequence number that the backlog still holds; one past the last when it holds none.
    oldest: int
    first: int
    upto: int
    texts: Sequence[str]
    #: Connection -> when its right to the topic ends, in milliseconds; 0: never.
    members: Mapping[str, int]
    #: Positions of those who are not at the cursor.
    positions: Mapping[str, int]

    def position_of(self, connection_id: str) -> int:
        """The last message that the member has."""
        return self.positions.get(connection_id, self.cursor)

    def after(self, connection_id: str, pushed: int) -> int:
        """The member's position once it has got the first `pushed` of what it was due; a gap told is one of them."""
        position = self.position_of(connection_id)
        is_behind = position + 1 < self.oldest
        if pushed == 0:
            return position
        return self.oldest - 1 + pushed - 1 if is_behind else position + pushed


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one connection is sent, in this order."""

    connection_id: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The deliveries of a step, and the members whose session has ended."""

    deliveries: tuple[Delivery, ...]
    expired: tuple[str, ...]


def plan(step: Step, now_ms: int) -> Plan:
    """Everything after each member's position; nothing to whose session has ended."""
    expired = tuple(member for member, ends_ms in step.members.items() if 0 < ends_ms <= now_ms)
    gone = set(expired)
    due = ((member, texts_after(step, step.position_of(member))) for member in step.members if member not in gone)
    return Plan(tuple(Delivery(member, texts) for member, texts in due if texts), expired)


def texts_after(step: Step, position: int) -> tuple[str, ...]:
    """The messages after a position, with the gap before them if the backlog has lost some."""
    if position >= step.upto:
        return ()
    start = max(position + 1, step.oldest)
    kept = tuple(step.texts[start - step.first :])
    if position + 1 < step.oldest:
        return (messages.gap(step.topic, step.epoch, step.oldest - 1), *kept)
    return kept


def slow_ones(fates: Mapping[str, Fate]) -> frozenset[str]:
    """Who is let go: who did not take its message in time, and the few that API Gateway would not take more for.

    When many are refused at once the account's rate is used up: nobody is to blame, and all of them wait.
    """
    slow = {member for member, fate in fates.items() if fate is Fate.SLOW}
    later = {member for member, fate in fates.items() if fate is Fate.LATER}
    if len(later) * FEW <= len(fates):
        slow |= later
    return frozenset(slow)
