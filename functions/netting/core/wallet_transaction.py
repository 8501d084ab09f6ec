"""Owns the life of a transaction that a wallet signs and we pass on: what it is for, every state, and what follows.

    offered    The message is stored and shown. Nobody has signed it; who never does is forgotten after an hour.
    sent       The wallet has signed the very bytes, and the outbox owes it to bring them onto the cluster, co-signed
               by the authority where the program asks for that. A withdrawal holds a reservation from here on.
    settled    Final: it happened.
    failed     Final: it is in a block, and the program refused it.
    expired    Final: nothing of it can land any more.

The authority co-signs a withdrawal only against a reservation that the withdrawal itself holds, made in the transaction
that records the obligation: so no batch can count on the funds or the item from then on, and no withdrawal is signed
against what a batch counts on. The reservation falls when it is known what became of the message:

*settled*  with the reading that shows the funds or the item gone (adapters/transfers_seen.py);
*failed*   at once: the cluster takes a message once, and has taken it;
*expired*  with a reading from after its death (adapters/closing.py). The cluster names a transaction by its payer's
           signature. A wallet that signs the same message in two ways, and sends it under the name that we were not
           given once our own signature can be read in some block or mempool, has its withdrawal, and we see nothing of
           the name that we know.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from kernel.errors import Broken


class Kind(StrEnum):
    """What it is for."""

    REGISTER = "register_session_key"
    REVOKE = "revoke_session_key"
    DEPOSIT_FUNDS = "deposit_funds"
    DEPOSIT_ITEM = "deposit_item"
    WITHDRAW_FUNDS = "withdraw_funds"
    WITHDRAW_ITEM = "withdraw_item"


class State(StrEnum):
    """Where it is; the module's essay says what each means."""

    OFFERED = "offered"
    SENT = "sent"
    SETTLED = "settled"
    FAILED = "failed"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to it."""

    SEND = "send"
    SETTLE = "settle"
    FAIL = "fail"
    EXPIRE = "expire"


class WalletTransitionRefused(Broken):
    """A wallet's transaction cannot go this way."""

    cause = "Two containers disagree about it, or core/wallet_transaction.py lacks a case."
    remedy = "Compare netting.wallet_transactions with the outbox entry netting:wallet:<id>."


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.OFFERED: {Event.SEND: State.SENT, Event.EXPIRE: State.EXPIRED},
    State.SENT: {Event.SETTLE: State.SETTLED, Event.FAIL: State.FAILED, Event.EXPIRE: State.EXPIRED},
    State.SETTLED: {},
    State.FAILED: {},
    State.EXPIRED: {},
}
WITHDRAWALS: Final = frozenset({Kind.WITHDRAW_FUNDS, Kind.WITHDRAW_ITEM})
#: A blockhash lives for a minute or so; what is signed later cannot land.
OFFER_LIFE_S: Final = 90
FORGOTTEN_AFTER_S: Final = 3_600


def after(state: State, event: Event) -> State:
    """The state after an event. Raises WalletTransitionRefused."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise WalletTransitionRefused(state=state, event=event) from None
