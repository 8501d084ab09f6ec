"""Owns the life of an outbox entry: every state, every event, and which state follows.

An entry is an obligation to put one effect on a chain, together with the nonce that was leased for it in the
transaction that created the obligation. From then on two things must come true, whatever dies in between: the effect
happens at most once, and the nonce is used, because every later nonce of the signer waits for it.

Both follow from one rule: *only committed bytes are broadcast, and a nonce is never left while any bytes signed for it
could still be mined*. So an entry may have several signed payloads, all at its one nonce, of which the chain takes at
most one: the effect itself, the effect again for a higher fee, or a cancellation (a transfer of nothing to oneself)
when the effect is no longer wanted or no node would ever take it. Whichever is mined decides how the entry ends.

    recorded    The nonce is leased and the unsigned payload stored. Nothing is signed at this nonce.
    signed      Signed bytes are committed. They may have been broadcast by somebody who died before saying so.
    broadcast   A node has accepted bytes of this nonce.
    mined       A block holds one of the payloads, but the block is not final.
    confirmed   Final: the effect happened and succeeded.
    failed      Final: the effect's transaction is in a final block and reverted. The nonce is used, nothing happened.
    cancelled   Final: the effect did not happen and never will. The nonce is used by the cancellation.

A reorganisation takes an entry from mined back to broadcast, and its bytes are sent again.

*Somebody else's transaction.* When another program that holds the same key uses our nonce, none of our payloads can be
mined any more. That is believed only on positive proof: the foreign transaction itself is found on the chain, in a
final block, by a quorum (`kernel.evm.nonce_use`). If it does exactly what the entry owes, it *is* the effect, for an
operator's wallet may send what it was asked to sign: the entry adopts it, and ends by its receipt. Otherwise the
obligation still stands, so the entry leases a new nonce and returns to recorded, under the same business key; the
payloads of the old nonce stay on record. Only if it is past its valid_until by then, or no node would take it anyway,
or all that it owed was the use of its nonce, does it end, cancelled.

There is no way from a final state to anywhere, and no way to a new nonce but DISPLACED.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from kernel.outbox.lifecycle import follow


class State(StrEnum):
    """Where an entry is; the module's essay says what each means."""

    RECORDED = "recorded"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to an entry."""

    SIGN = "sign"  # Signed bytes were committed.
    ACCEPT = "accept"  # A node has the bytes.
    MINE = "mine"  # A block holds one of the payloads.
    REORGANISE = "reorganise"  # The block that held it is gone.
    CONFIRM = "confirm"  # The effect is final and succeeded.
    REVERT = "revert"  # The effect is final and reverted.
    CANCEL = "cancel"  # The cancellation is final.
    ADOPT = "adopt"  # A foreign transaction at the nonce does exactly what the entry owes, finally: it is the effect.
    DISPLACE = "displace"  # A foreign transaction used the nonce, finally: lease another.
    LAPSE = "lapse"  # The same, but the effect is no longer wanted.


_FOREIGN: Final[Mapping[Event, State]] = {
    Event.ADOPT: State.MINED,
    Event.DISPLACE: State.RECORDED,
    Event.LAPSE: State.CANCELLED,
}
_UNMINED: Final = {**_FOREIGN, Event.MINE: State.MINED}

TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.RECORDED: {**_FOREIGN, Event.SIGN: State.SIGNED},
    State.SIGNED: {**_UNMINED, Event.SIGN: State.SIGNED, Event.ACCEPT: State.BROADCAST},
    State.BROADCAST: {**_UNMINED, Event.SIGN: State.BROADCAST, Event.ACCEPT: State.BROADCAST},
    State.MINED: {
        Event.MINE: State.MINED,
        Event.REORGANISE: State.BROADCAST,
        Event.CONFIRM: State.CONFIRMED,
        Event.REVERT: State.FAILED,
        Event.CANCEL: State.CANCELLED,
    },
    State.CONFIRMED: {},
    State.FAILED: {},
    State.CANCELLED: {},
}

FINAL: Final = frozenset(state for state, events in TRANSITIONS.items() if not events)


def after(state: State, *events: Event) -> State:
    """The state after these events, in order. Raises TransitionRefused for a step that the table does not know."""
    return follow(TRANSITIONS, state, events)
