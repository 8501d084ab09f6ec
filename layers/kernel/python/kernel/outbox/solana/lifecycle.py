"""Owns the life of a Solana outbox entry: every state, every event, and which state follows.

An entry is an obligation to put one effect on a cluster. A transaction there has no number that the chain would take
only once: what makes it unique is the recent blockhash inside it, and signed again over a younger blockhash the same
instructions are a second transaction, which lands a second time. So at most one signed transaction of an entry may be
alive at any moment: *nothing is signed while anything signed before could still land, or has landed*. That is not
guessed from silence. Bytes are dead when the cluster's finalized height is past the last height at which their
blockhash is valid, and no node knows their signature.

    recorded    The instructions are stored. Nothing is signed.
    signed      Signed bytes are committed. They may have been broadcast by somebody who died before saying so.
    broadcast   A node has accepted the newest bytes. They are sent again and again, since leaders drop what they like.
    landed      A block holds one of the payloads, but it is not final: its fork may still be dropped.
    confirmed   Final: the effect happened and succeeded.
    failed      Final: the effect's transaction is in a finalized block with an error: a fee and no effect.
    cancelled   Final: the effect did not happen and never will: nothing was ever signed, or all of it is proven dead.

A dropped fork takes an entry from landed back to broadcast, and its bytes are sent again while they live.

*Durable nonces.* Bytes over a durable nonce do not grow old: they live until the nonce account is advanced, which each
transaction over it does as its first act, whether the rest succeeds or fails. An entry that waits for a person's
signature needs that. When its effect is no longer wanted, or nobody takes it at its price, the nonce is advanced by a
second payload without the effect, a *release*: of the two at most one can land. Once the nonce has moved on and
the effect's signature is unknown the entry is where an expired blockhash would have brought it.

*Messages from elsewhere.* What a wallet has signed is passed on as it is. It has one payload, since nobody agreed to a
second one, and when that is dead the entry is cancelled. Where our own signature is missing nothing can land before it
is given; where none is missing the message may land by others' hands while the entry is still recorded.

There is no way from a final state to anywhere, and no way from landed to a new signature but over DROP.
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
    LANDED = "landed"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to an entry."""

    SIGN = "sign"  # Signed bytes were committed.
    ACCEPT = "accept"  # A node has the newest bytes.
    LAND = "land"  # A block holds the effect.
    DROP = "drop"  # The block that held it is gone.
    CONFIRM = "confirm"  # The effect is final and succeeded.
    FAIL = "fail"  # The effect is final and has an error.
    CANCEL = "cancel"  # The effect is no longer wanted, and no bytes of it can land.


_OUT: Final[Mapping[Event, State]] = {
    Event.SIGN: State.SIGNED,
    Event.ACCEPT: State.BROADCAST,
    Event.LAND: State.LANDED,
    Event.CANCEL: State.CANCELLED,
}

TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.RECORDED: {Event.SIGN: State.SIGNED, Event.CANCEL: State.CANCELLED},
    State.SIGNED: _OUT,
    State.BROADCAST: _OUT,
    State.LANDED: {
        Event.LAND: State.LANDED,
        Event.DROP: State.BROADCAST,
        Event.CONFIRM: State.CONFIRMED,
        Event.FAIL: State.FAILED,
    },
    State.CONFIRMED: {},
    State.FAILED: {},
    State.CANCELLED: {},
}

FINAL: Final = frozenset(state for state, events in TRANSITIONS.items() if not events)


def after(state: State, *events: Event) -> State:
    """The state after these events, in order. Raises TransitionRefused for a step that the table does not know."""
    return follow(TRANSITIONS, state, events)
