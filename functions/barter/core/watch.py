"""Owns the life of a watch: every state, every event, and which state follows; and when a phase is to be ended.

A watch is a row, not a thread: it begins when somebody asks for it, in whatever phase the exchange is by then, and
whoever reads the exchange next takes it on from what is there. What is read is of the newest block, which the chain may
still take back: then the watch goes back, too.

    watching   The exchange takes deposits or lists.
    ready      It is in Trade, and a proof is owed to it.
    timed_out  It is in Trade for strictly more than 250 blocks: anybody may end that, and everybody keeps what they
               brought. A proof that comes late is still taken by the exchange, until somebody does end it.
    over       It has left Trade, in a block that is final. There is no way from here.
    lapsed     Only strangers asked for it, and it has stood still for seven days, or was followed for thirty, however
               it moved: a contract may say a new phase as often as it likes. Who asks again begins it again.

Anybody may ask for a watch; what it costs us follows from who did. For a watch that an operator has asked for, the
settler pays; one that is a stranger's alone is followed and proven, has a share of its own, and lapses.

Until the block is final in which an exchange has left Trade, its watch stays where it was: the proof is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final

from kernel.errors import Broken

#: How many blocks a proof may take (PROOF_BLOCKS in infra/contracts/barter/Exchange.sol).
PROOF_BLOCKS: Final = 250
#: Followed at a time, and how many of them for strangers only: exchanges that nobody would pay for are cheap to deploy.
LIVE_MAX: Final = 1_000
STRANGERS_MAX: Final = 200
#: A stranger's watch lapses that has stood still for so long, or that began so long ago.
STILL_MAX: Final = timedelta(days=7)
STRANGERS_LIFE_MAX: Final = timedelta(days=30)


class Phase(IntEnum):
    """The exchange's phases."""

    DEPOSIT = 0
    RANK = 1
    TRADE = 2
    WITHDRAW = 3
    CLEANUP = 4


class State(StrEnum):
    """Where a watch is; the module's essay says what each means."""

    WATCHING = "watching"
    READY = "ready"
    TIMED_OUT = "timed_out"
    OVER = "over"
    LAPSED = "lapsed"


class Event(StrEnum):
    """What can happen to a watch."""

    ENTER = "enter"  # The exchange is in Trade.
    RESTART = "restart"  # It is, but Trade began in another block than it did.
    RETURN = "return"  # It is not in Trade any more, nor past it: the block was taken back.
    TIME_OUT = "time_out"  # No proof came in time.
    LEAVE = "leave"  # It is past Trade, finally.
    LAPSE = "lapse"  # It is a stranger's, and has stood still, or was followed, for too long.
    RESUME = "resume"  # Somebody asks for it again.


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.WATCHING: {Event.ENTER: State.READY, Event.LEAVE: State.OVER, Event.LAPSE: State.LAPSED},
    State.READY: {
        Event.RESTART: State.READY,
        Event.RETURN: State.WATCHING,
        Event.TIME_OUT: State.TIMED_OUT,
        Event.LEAVE: State.OVER,
        Event.LAPSE: State.LAPSED,
    },
    State.TIMED_OUT: {
        Event.RESTART: State.READY,
        Event.RETURN: State.WATCHING,
        Event.LEAVE: State.OVER,
        Event.LAPSE: State.LAPSED,
    },
    State.OVER: {},
    State.LAPSED: {Event.RESUME: State.WATCHING},
}
#: Nobody looks at these.
ENDED: Final = frozenset({State.OVER, State.LAPSED})


class WatchTransitionRefused(Broken):
    """A watch cannot go this way."""

    cause = "Two workers disagree about an exchange, or the table in functions/barter/core/watch.py lacks a case."
    remedy = "Compare the exchange's phase and trade block with barter.contracts, then replay the task."


@dataclass(frozen=True, slots=True)
class Trade:
    """The block in which Trade began: two of one height are two, and what is proven for one is void for the other."""

    block: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What an exchange says at one block. Times are Unix seconds.

    phase_s: how long the phase lasts at least; 0 where time does not end it. trade: None before Trade.
    is_left: whether it is past Trade at a final block, too.
    """

    phase: Phase
    phase_started_s: int
    phase_s: int
    trade: Trade | None
    agents: int
    block: int
    block_hash: bytes
    time_s: int
    is_left: bool

    @property
    def phase_ends_s(self) -> int | None:
        """When anybody may end the phase; None where time does not end it."""
        return self.phase_started_s + self.phase_s if self.phase <= Phase.RANK else None

    @property
    def is_late(self) -> bool:
        """Whether a proof has had all its blocks."""
        return self.phase == Phase.TRADE and self.trade is not None and self.block - self.trade.block > PROOF_BLOCKS


def after(state: State, event: Event) -> State:
    """The state after this event. Raises WatchTransitionRefused for a step that the table does not know."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise WatchTransitionRefused(state=state, event=event)
    return following


def next_event(state: State, known: Trade | None, sight: Sight) -> Event | None:
    """What a look shows to have happened; None where nothing has. Asked again until it is None.

    known: the trade block that the watch went by until now.
    """
    if state in ENDED:
        return None
    if sight.phase > Phase.TRADE:
        return Event.LEAVE if sight.is_left else None
    if sight.phase < Phase.TRADE:
        return None if state == State.WATCHING else Event.RETURN
    if state == State.WATCHING:
        return Event.ENTER
    if known != sight.trade:
        return Event.RESTART
    return Event.TIME_OUT if sight.is_late and state == State.READY else None


def is_changed_by(state: State, *, is_ours: bool, by_operator: bool) -> bool:
    """Whether asking for a watch again changes it: it has lapsed, or nobody whom we pay for had asked yet."""
    return state == State.LAPSED or (state != State.OVER and by_operator and not is_ours)


def has_room(live: int, strangers: int, *, by_operator: bool) -> bool:
    """Whether one more exchange can be followed for who asks. strangers: how many of the live ones are theirs alone."""
    return live < LIVE_MAX and (by_operator or strangers < STRANGERS_MAX)


def may_be_ended(sight: Sight) -> bool:
    """Whether anybody may end the phase in the next block: its time is over, or the proof's blocks are."""
    if sight.phase_ends_s is not None:
        return sight.time_s >= sight.phase_ends_s
    return sight.is_late
