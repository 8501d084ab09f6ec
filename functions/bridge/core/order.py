"""Owns the life of an order: every state, every event, and which state follows.

A user has locked `amount + fee` in an escrow of an L2 (the *origin*). We pay `amount` to the recipient on Ethereum
through the payment registry, then have the registry tell the escrow, which pays us `amount + fee`. Two things must
hold whatever dies in between: we pay at most once, and what we have paid is claimed until the escrow has closed.

    pending       The deposit is known. Nothing is promised; a decision is due.
    processing    Decided to be filled; the payment is not recorded yet. It may still go back.
    transferring  The payment is recorded in the outbox, in the commit that set this state: it will be made, unless it
                  is not wanted any more before it is signed for the first time.
    fulfilled     The payment is final on Ethereum and succeeded. From here on we are owed.
    proving       A claim is recorded in the outbox.
    proved        The claim is final on Ethereum: the message to the origin is on its way.
    completed     The escrow itself says that the order is closed. Not the registry: it knows only of the payment.
    dropped       Not to be filled, with the reason; nothing was paid.

*Failure* is a flag beside the state and a row in the table of errors, not a state: a failed claim leaves an order
fulfilled, and it is claimed again.

*Reorganisations of the origin.* A deposit whose block is gone is forgotten while nothing is promised. A payment that
is recorded is taken back as long as nothing of it is signed. From then on there is no way back: it is made, the loss is
posted to an account of its own, and the claim waits for the deposit to come again, as it does if its transaction is
mined in another block.

*Payments of unknown origin.* If the registry already holds the order's payment when we look, it is ours (made before
the database was restored, or by hand from our signer) or somebody else's. Ours goes on to the claim. Somebody else's
drops the order: who paid will claim.

There is no way from transferring and later to dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import Broken


class State(StrEnum):
    """Where an order is; the module's essay says what each means."""

    PENDING = "pending"
    PROCESSING = "processing"
    TRANSFERRING = "transferring"
    FULFILLED = "fulfilled"
    PROVING = "proving"
    PROVED = "proved"
    COMPLETED = "completed"
    DROPPED = "dropped"


class Event(StrEnum):
    """What can happen to an order."""

    ACCEPT = "accept"  # The decision is to fill it.
    DEFER = "defer"  # What was decided holds no longer, or not yet: decide again later.
    DROP = "drop"  # The decision is never to fill it.
    FORGET = "forget"  # The deposit's block is gone, and nothing was promised.
    REAPPEAR = "reappear"  # A forgotten deposit is on the chain again.
    TRANSFER = "transfer"  # The payment is recorded.
    FIND = "find"  # The registry already holds our payment.
    PAY = "pay"  # The payment is final and succeeded.
    REVERT = "revert"  # The payment did not happen, finally: decide again.
    CLAIM = "claim"  # A claim is recorded.
    PROVE = "prove"  # The claim is final and succeeded.
    RECLAIM = "reclaim"  # The claim did not happen, or its message was lost on the origin: claim again.
    CLOSE = "close"  # The escrow says that the order is closed.


_PROMISED_NOTHING: Final = {
    Event.DEFER: State.PENDING,
    Event.DROP: State.DROPPED,
    Event.FORGET: State.DROPPED,
    Event.FIND: State.FULFILLED,
}

TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.PENDING: {**_PROMISED_NOTHING, Event.ACCEPT: State.PROCESSING},
    State.PROCESSING: {**_PROMISED_NOTHING, Event.TRANSFER: State.TRANSFERRING},
    State.TRANSFERRING: {Event.PAY: State.FULFILLED, Event.REVERT: State.PENDING},
    # An operator may have claimed by hand: an escrow may say that it is closed at any time once we have paid.
    State.FULFILLED: {Event.CLAIM: State.PROVING, Event.CLOSE: State.COMPLETED},
    State.PROVING: {Event.PROVE: State.PROVED, Event.RECLAIM: State.FULFILLED, Event.CLOSE: State.COMPLETED},
    State.PROVED: {Event.RECLAIM: State.FULFILLED, Event.CLOSE: State.COMPLETED},
    State.COMPLETED: {},
    State.DROPPED: {Event.REAPPEAR: State.PENDING},
}

#: Our money is on its way to the recipient or out, and not repaid yet.
COMMITTED: Final = frozenset((State.TRANSFERRING, State.FULFILLED, State.PROVING, State.PROVED))


class OrderTransitionRefused(Broken):
    """An order cannot go this way."""

    cause = "Two workers disagree about an order, or the table in functions/bridge/core/order.py lacks a case."
    remedy = "Look at the registry and the escrow for this order before anything of it is replayed."


def after(state: State, event: Event) -> State:
    """The state after this event. Raises OrderTransitionRefused for a step that the table does not know."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise OrderTransitionRefused(state=state, event=event)
    return following


@dataclass(frozen=True, slots=True, order=True)
class OrderKey:
    """An order's name in the whole world: the id counts from 0 in each origin's escrow, up to 2^256 - 1."""

    origin: str
    order_id: int

    def business_key(self, step: str, generation: int = 1) -> str:
        """The key of one obligation of this order, as "bridge:zksync:17:fill", or "bridge:zksync:17:g2:fill"."""
        again = "" if generation == 1 else f"g{generation}:"
        return f"bridge:{self.origin}:{self.order_id}:{again}{step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """What an escrow's event says, and where it stands.

    recipient: a word, for an escrow keeps whatever it was given; it is an address if its high 12 bytes are zero.
    """

    key: OrderKey
    recipient: int
    amount_wei: int
    fee_wei: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A deposit and what became of it."""

    deposit: Deposit
    state: State
    seen_at: datetime
