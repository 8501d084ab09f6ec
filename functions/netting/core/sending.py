"""Owns whether the next transaction of a settlement may be sent, by what the program's accounts hold now. Pure.

The reservations of a settlement keep its items and its wallets' funds from whoever asks us. They do not keep an owner
from asking the program alone, and waiting ten minutes. So before anything is sent the accounts are read, finalized:

1. Another authority, or a program that stands still: hold. That passes, or a person sees to it.
2. An item that has left the escrow, or has another owner than the one it was netted for: the settlement can never be.
   The program would move such an item all the same, since it takes our word for who sold it.
3. A wallet that has less than it is to pay: the settlement can never be. The program would refuse it, for a fee.
4. A wallet without a ledger that is to be paid: its ledger is opened first.
5. Otherwise send.

A settlement in parts takes before it gives, over many transactions, and can neither be given up nor taken back once it
has taken. So it begins only if nobody has asked for anything of it: what is asked for later comes ten minutes later.
Where it has begun and finds 2 or 3 all the same, it is held, and a person is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from functions.netting.core.accounts import Config, Item, Ledger
from functions.netting.core.contents import deltas_of, items_of
from functions.netting.core.packing import InParts, Settlement

#: Failures of a batch in a row that call a person.
FAILURES_ALARMED: Final = 3


class Reason(StrEnum):
    """Why nothing is sent."""

    WRONG_AUTHORITY = "wrong_authority"
    PAUSED = "paused"
    ITEM_GONE = "item_gone"
    NOT_OWNER = "not_owner"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    ASKED_BACK = "asked_back"
    STUCK = "stuck"
    UNSEEN = "settled_unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read. items: by their text ids; owners: who each was netted for, None for one that has left since."""

    authority: str
    config: Config
    ledgers: Mapping[str, Ledger]
    items: Mapping[str, Item]
    owners: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Send:
    """Nothing stands against it."""


@dataclass(frozen=True, slots=True)
class Open:
    """These wallets need ledgers first."""

    wallets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Look again later; `calls`: a person has to see to it."""

    reason: Reason
    calls: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It can never be."""

    reason: Reason


Move = Send | Open | Hold | GiveUp


def decide(plan: Settlement, seen: Seen, *, attempts: int, has_taken: bool = False) -> Move:
    """What to do with a settlement's next transaction. The module's docstring is the algorithm.

    attempts: that came to nothing before. has_taken: it is in parts, and its first debit has happened.
    """
    if seen.config.authority != seen.authority:
        return Hold(Reason.WRONG_AUTHORITY, calls=True)
    if seen.config.is_paused:
        return Hold(Reason.PAUSED)
    if has_taken:
        # What is taken is no longer in the ledgers; the program checks each part by itself.
        return Send() if _stuck(plan, seen) is None else Hold(Reason.STUCK, calls=True)
    if attempts and _looks_settled(plan, seen):
        return Hold(Reason.UNSEEN, calls=True)
    against = _items_against(plan, seen) or _funds_against(plan, seen)
    if against is not None:
        return GiveUp(against)
    missing = tuple(sorted(wallet for wallet in deltas_of(plan) if wallet not in seen.ledgers))
    return Open(missing) if missing else Send()


def _items_against(plan: Settlement, seen: Seen) -> Reason | None:
    for item in items_of(plan):
        held = seen.items.get(item)
        if held is None:
            return Reason.ITEM_GONE
        if held.owner != seen.owners.get(item):
            return Reason.NOT_OWNER
        if isinstance(plan, InParts) and held.requested_at_s:
            return Reason.ASKED_BACK
    return None


def _funds_against(plan: Settlement, seen: Seen) -> Reason | None:
    for wallet, delta in deltas_of(plan).items():
        ledger = seen.ledgers.get(wallet)
        if delta >= 0:
            continue
        if ledger is None or ledger.locked_lamports < -delta:
            return Reason.INSUFFICIENT_FUNDS
        if isinstance(plan, InParts) and ledger.locked_lamports - ledger.requested_lamports < -delta:
            return Reason.ASKED_BACK
    return None


def _stuck(plan: Settlement, seen: Seen) -> Reason | None:
    """Whether one in parts that has begun cannot go on: one of its items is gone before it was given."""
    for item, owner in items_of(plan).items():
        held = seen.items.get(item)
        if held is None or held.owner not in (owner, seen.owners.get(item)):
            return Reason.STUCK
    return None


def _looks_settled(plan: Settlement, seen: Seen) -> bool:
    """Whether an item has its new owner already: then an attempt that we hold for lost was none."""
    return any(
        (held := seen.items.get(item)) is not None and held.owner == owner and owner != seen.owners.get(item)
        for item, owner in items_of(plan).items()
    )
