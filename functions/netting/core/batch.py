"""Owns the lives of a batch and of its settlements: every state, every event, and which state follows.

A *batch* is a set of intents that were cleared together. What they come to is cut into *settlements*: each balances by
itself, is settled by the program under a number of its own, and may fail without the others. A settlement is

    waiting     Planned: items and wallets' debits are reserved, and nothing is sent. Also after an attempt that came
                to nothing: the next one has a new number.
    sent        It has the lane: its number is given, and the outbox owes the transaction, or, of one that goes by
                parts, the present step. Numbers must ascend on the chain, so one settlement at a time is here.
    landed      A block holds (the last of) it, and the lane is free for the next. The block may still be dropped.
    settled     Final on the chain.
    indexed     The accounts were read again, finalized and by quorum: owners, balances, history, ledger and intents say
                what the chain says, and its reservations are released.
    abandoned   It can never settle (an item is gone, funds were withdrawn by the delayed way): nothing of it happened.
                Its reservations are released and its intents are pending again, or dropped, with the reason.

The outbox tells what became of a transaction and the cursor tells what the program did, neither waiting for the
other: a settlement may be indexed before its outbox entry is known to be final, hence from sent on. What is told again
(SETTLE of what is indexed) changes nothing.

A settlement by parts is abandoned only before its first debit: then the program holds somebody's money, and it goes on
to its end. That is the sender's to keep; this table does not know of parts.

A *batch* follows from its settlements:

    netted      All are waiting.
    settling    One was sent. A fork that drops one, or an attempt that fails, leaves the batch here.
    settled     All that were not abandoned are final.
    indexed     All that were not abandoned are indexed.
    empty       No intent was accepted: there is nothing to settle.
    abandoned   All were.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from kernel.errors import Broken


class SettlementState(StrEnum):
    """Where a settlement is; the module's essay says what each means."""

    WAITING = "waiting"
    SENT = "sent"
    LANDED = "landed"
    SETTLED = "settled"
    INDEXED = "indexed"
    ABANDONED = "abandoned"


class SettlementEvent(StrEnum):
    """What can happen to a settlement."""

    SEND = "send"  # It has a number, and its first transaction is recorded in the outbox.
    STEP = "step"  # Of one by parts: the transaction of the next part is recorded.
    LAND = "land"  # A block holds it, or its last part.
    DROP = "drop"  # That block is gone; the same bytes are sent again.
    FAIL = "fail"  # The attempt is over and did nothing: the next has a new number.
    SETTLE = "settle"  # It is final and succeeded.
    INDEX = "index"  # What it did is read from the chain and stored.
    ABANDON = "abandon"  # It can never succeed.


class BatchState(StrEnum):
    """Where a batch is."""

    NETTED = "netted"
    SETTLING = "settling"
    SETTLED = "settled"
    INDEXED = "indexed"
    EMPTY = "empty"
    ABANDONED = "abandoned"


class BatchEvent(StrEnum):
    """What can happen to a batch."""

    SEND = "send"  # The first of its settlements is sent.
    SETTLE = "settle"  # The last of them is final.
    INDEX = "index"  # The last of them is indexed.
    ABANDON = "abandon"  # None of them will be settled.


_ON_ITS_WAY: Final = {
    SettlementEvent.FAIL: SettlementState.WAITING,
    SettlementEvent.SETTLE: SettlementState.SETTLED,
    SettlementEvent.INDEX: SettlementState.INDEXED,
}

SETTLEMENT_TRANSITIONS: Final[Mapping[SettlementState, Mapping[SettlementEvent, SettlementState]]] = {
    SettlementState.WAITING: {
        SettlementEvent.SEND: SettlementState.SENT,
        SettlementEvent.ABANDON: SettlementState.ABANDONED,
    },
    SettlementState.SENT: {
        **_ON_ITS_WAY,
        SettlementEvent.STEP: SettlementState.SENT,
        SettlementEvent.LAND: SettlementState.LANDED,
        SettlementEvent.ABANDON: SettlementState.ABANDONED,
    },
    SettlementState.LANDED: {**_ON_ITS_WAY, SettlementEvent.DROP: SettlementState.SENT},
    SettlementState.SETTLED: {SettlementEvent.INDEX: SettlementState.INDEXED},
    SettlementState.INDEXED: {SettlementEvent.SETTLE: SettlementState.INDEXED},
    SettlementState.ABANDONED: {},
}

BATCH_TRANSITIONS: Final[Mapping[BatchState, Mapping[BatchEvent, BatchState]]] = {
    BatchState.NETTED: {BatchEvent.SEND: BatchState.SETTLING, BatchEvent.ABANDON: BatchState.ABANDONED},
    BatchState.SETTLING: {
        BatchEvent.SETTLE: BatchState.SETTLED,
        BatchEvent.INDEX: BatchState.INDEXED,
        BatchEvent.ABANDON: BatchState.ABANDONED,
    },
    BatchState.SETTLED: {BatchEvent.INDEX: BatchState.INDEXED},
    BatchState.INDEXED: {},
    BatchState.EMPTY: {},
    BatchState.ABANDONED: {},
}

#: How far along its way a batch is.
_WAY: Final = {
    BatchState.NETTED: 0,
    BatchState.SETTLING: 1,
    BatchState.SETTLED: 2,
    BatchState.INDEXED: 3,
    BatchState.EMPTY: 4,
    BatchState.ABANDONED: 4,
}

#: A settlement here may still move money: its items and debits are reserved.
OPEN: Final = frozenset(
    (SettlementState.WAITING, SettlementState.SENT, SettlementState.LANDED, SettlementState.SETTLED)
)


class BatchTransitionRefused(Broken):
    """A batch, or a settlement of it, cannot go this way."""

    cause = "Two workers disagree about it, or a table in functions/netting/core/batch.py lacks a case."
    remedy = "Look at the program's account of this settlement's number before anything of it is replayed."


def settlement_after(state: SettlementState, event: SettlementEvent) -> SettlementState:
    """The state after this event. Raises BatchTransitionRefused for a step that the table does not know."""
    following = SETTLEMENT_TRANSITIONS[state].get(event)
    if following is None:
        raise BatchTransitionRefused(state=state, event=event)
    return following


def batch_after(state: BatchState, event: BatchEvent) -> BatchState:
    """The same of a batch."""
    following = BATCH_TRANSITIONS[state].get(event)
    if following is None:
        raise BatchTransitionRefused(state=state, event=event)
    return following


def batch_event(state: BatchState, settlements: Collection[SettlementState]) -> BatchEvent | None:
    """What the present states of all its settlements mean for a batch in this state; None if nothing new."""
    due = _due(frozenset(settlements) - {SettlementState.ABANDONED})
    leads_to = {following for moves in BATCH_TRANSITIONS.values() for event, following in moves.items() if event is due}
    return None if due is None or _WAY[state] >= min(_WAY[one] for one in leads_to) else due


def _due(left: frozenset[SettlementState]) -> BatchEvent | None:
    """left: the states of those that were not abandoned."""
    if not left:
        return BatchEvent.ABANDON
    if left == {SettlementState.INDEXED}:
        return BatchEvent.INDEX
    if left <= {SettlementState.SETTLED, SettlementState.INDEXED}:
        return BatchEvent.SETTLE
    return None if left == {SettlementState.WAITING} else BatchEvent.SEND


def business_key(batch: object, step: str) -> str:
    """The key of one obligation of a batch, as "netting:<batch>:settle"."""
    return f"netting:{batch}:{step}"


def settlement_key(batch: object, ordinal: int) -> str:
    """The key of one settlement, by which the ledger knows it: "netting:settlement:<batch>:<ordinal>"."""
    return f"netting:settlement:{batch}:{ordinal}"
