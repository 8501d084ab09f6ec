"""Takes what the cursor and webhooks tell of the program's transactions: each is read again, by a quorum.

1. A transaction that is not final is looked at again; one that is gone for good never happened.
2. Every wallet, item and session key that it touched is read anew, as of its slot or later, and kept.
3. What it moved is posted: deposits, withdrawals, parts of batches; an item that came or went has it in its history.
4. A batch that it completed is a task of its own (`indexing`), asked for in the same commit.

So a hint may be false, come twice, late, early or never: the cursor tells every final transaction once, and what a
transaction does is done once under its own signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, assert_never

from functions.netting.adapters.holdings import Change, KnownItem
from functions.netting.adapters.index import Index
from functions.netting.adapters.program_reading import Held, Told
from functions.netting.adapters.settled_batches import index_task
from functions.netting.adapters.told_events import ToldTransaction
from functions.netting.core.batch import settlement_key
from functions.netting.core.books import movements
from functions.netting.core.instructions import (
    BatchSettled,
    Deposited,
    Executed,
    ItemDeposited,
    ItemWithdrawn,
    PartSettled,
    Withdrawn,
)
from kernel.clock import Clock
from kernel.errors import Transient
from kernel.ledger import Overdrawn
from kernel.postgres import Fence, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped
from kernel.watches.hints import Unsettled

KIND: Final = "netting.netting_events"
#: The longest pause between two looks at what was told.
PAUSE_MAX_S: Final = 30
#: A block's time is an estimate of one node's; one outside of this century is none.
TIME_MIN_S, TIME_MAX_S = 1_577_836_800, 4_102_444_800


@dataclass(frozen=True, slots=True)
class Seen:
    """What a transaction did, and what it touched, by address, as it is now."""

    told: Told
    held: Mapping[str, Held]


@dataclass(frozen=True, slots=True)
class Away:
    """The chain cannot be read now."""

    code: str


Found = Seen | Unsettled | Away


class TransfersSeen:
    """From the program's transactions to balances, owners, books and batches to index."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def look(self, payload: ToldTransaction) -> Found:
        """What the final cluster says of the transaction. Raises ProgramUnread, ProgramUnfit."""
        try:
            told = self._index.reading.told(payload.told)
            if isinstance(told, Unsettled):
                return told
            touched = {one for each in told.done if not isinstance(each.step, BatchSettled) for one in each.touched}
            return Seen(told, self._index.reading.accounts(touched, as_of_slot=told.slot))
        except Transient as away:
            return Away(away.code)

    def take(self, found: Found, *, fence: Fence) -> Outcome:
        """Keep and post what it did, in a commit that ends the task, too; or look again later."""
        match found:
            case Away(code):
                return Retry(_pause_s(fence), f"the chain cannot be read: {code}")
            case Unsettled.OPEN:
                return Retry(_pause_s(fence), "the transaction is not final")
            case Unsettled.GONE:
                return Skipped("it can land no more: it never happened")
            case Seen():
                return self._take(found, fence)
        assert_never(found)

    def _take(self, seen: Seen, fence: Fence) -> Outcome:
        told, result = seen.told, {"steps": len(seen.told.done), "batches": len(seen.told.settled)}
        if not told.done:
            return Skipped("it changed nothing of a wallet's, an item's or a session's")
        try:
            with self._index.tasks.postgres.transaction(holding=fence) as tx:
                items = self._items(tx, seen)
                self._index.holdings.keep(tx, seen.held.values())
                for one in told.done:
                    self._post(tx, told, one)
                    self._follow_item(tx, seen, one, items)
                self._index.holdings.release_withdrawal(tx, told.signature)
                self._index.tasks.enqueue([index_task(told, one, self._index.clock.now()) for one in told.settled], tx)
                self._index.news.transaction(tx, told)
                self._index.tasks.complete(tx, fence, result)
        except Overdrawn:
            return Retry(_pause_s(fence), "what it takes from was told of later, and is not booked yet")
        return Done(result)

    def _items(self, tx: Transaction, seen: Seen) -> dict[str, KnownItem]:
        """The registered items that came or went, by their accounts."""
        at = self._index.holdings.at(tx, seen.told.mints)
        return {account: item for account, item in at.items() if account in seen.held}

    def _post(self, tx: Transaction, told: Told, one: Executed) -> None:
        match one.step:
            case Deposited():
                self._index.posts.post(
                    tx, f"netting:deposit:{told.signature}:{one.path}", movements(one.step), "deposit"
                )
            case Withdrawn():
                key = f"netting:withdrawal:{told.signature}:{one.path}"
                self._index.posts.post(tx, key, movements(one.step), "withdrawal")
            case PartSettled():
                key = f"{self._settlement(tx, one.step.batch_id)}:{one.step.batch_id}:{one.step.index}"
                self._index.posts.post(tx, key, movements(one.step), f"part {one.step.index} of a settlement")

    def _settlement(self, tx: Transaction, batch_id: int) -> str:
        """The key of whose settlement a part is of."""
        settlement = self._index.batches.numbered(tx, batch_id)
        return "netting:foreign" if settlement is None else settlement_key(settlement.batch, settlement.ordinal)

    def _follow_item(self, tx: Transaction, seen: Seen, one: Executed, items: Mapping[str, KnownItem]) -> None:
        """An item that came into escrow or left it; one that is not registered was alarmed of when it was kept."""
        item = items.get(one.touched[0]) if one.touched else None
        if item is None:
            return
        match one.step:
            case ItemDeposited(owner=owner):
                self._index.holdings.tell(tx, [self._change(seen.told, item, "deposited", None, owner)])
            case ItemWithdrawn(account=account, owner=owner):
                if seen.held[account].account is None:
                    self._index.holdings.forget(tx, item, seen.held[account].slot)
                self._index.holdings.tell(tx, [self._change(seen.told, item, "withdrawn", owner, None)])

    def _change(
        self, told: Told, item: KnownItem, event: str, from_wallet: str | None, to_wallet: str | None
    ) -> Change:
        return Change(
            item_id=item.item_id,
            event=event,
            from_wallet=from_wallet,
            to_wallet=to_wallet,
            chain_batch=None,
            slot=told.slot,
            signature=told.signature,
            at=happened_at(told.block_time_s, self._index.clock),
        )


def happened_at(block_time_s: int | None, clock: Clock) -> datetime:
    """When a block was made, or now where nobody says."""
    if block_time_s is None or not TIME_MIN_S <= block_time_s < TIME_MAX_S:
        return clock.now()
    return datetime.fromtimestamp(block_time_s, tz=UTC)


def _pause_s(fence: Fence) -> int:
    """Growing by a second with each look: a transaction is final within twenty."""
    return min(fence.token, PAUSE_MAX_S)
