"""Indexes a batch that the program has settled: what it came to is read from the chain and kept, in one commit.

1. Every wallet and item of it is read again, as of its slot or later, finalized and by quorum.
2. The settlement that we sent under its number must be the same, to its hash, its counts, its owners and its lamports.
3. Then owners, balances, histories, books, intents, listings, reservations, settlement and batch follow together.
4. Otherwise somebody else signs as the authority. Funds and items are where the program says, so owners, balances and
   books follow all the same; the batch is kept as foreign, nothing of ours is settled by it, and a person is called.

A settlement may be seen here before its submit task knows that it landed: the chain is final, and nobody waits.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never

from functions.netting.adapters.batches import StoredSettlement
from functions.netting.adapters.holdings import BIGINT_MAX, Change
from functions.netting.adapters.index import Index
from functions.netting.adapters.program_reading import Held
from functions.netting.adapters.settled_batches import SettledBatch
from functions.netting.adapters.transfers_seen import Away, happened_at
from functions.netting.core.batch import SettlementEvent, SettlementState, settlement_key
from functions.netting.core.books import movements
from functions.netting.core.contents import deltas_of, items_of
from functions.netting.core.settled import unlike
from kernel.errors import Transient
from kernel.handler.telemetry import count
from kernel.ledger import Overdrawn
from kernel.postgres import Fence, Queries, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped

logger = logging.getLogger(__name__)
Q: Final = Queries.load(Path(__file__).with_name("indexing.sql"))
PAUSE_MAX_S: Final = 30
#: From then on a batch that cannot be booked is told as an alarm with every look.
PATIENCE_LOOKS: Final = 20


@dataclass(frozen=True, slots=True)
class Reread:
    """What a batch touched, by address, as it is now."""

    held: Mapping[str, Held]


Found = Reread | Away


class Indexing:
    """From settled batches to what is owned, held and told."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def look(self, step: SettledBatch) -> Found:
        """Read again what the batch touched. Raises ProgramUnfit."""
        try:
            return Reread(self._index.reading.accounts(self._touched(step), as_of_slot=step.slot))
        except Transient as away:
            return Away(away.code)

    def take(self, step: SettledBatch, found: Found, *, fence: Fence) -> Outcome:
        """Keep what it came to, in a commit that ends the task, too; or look again later."""
        match found:
            case Away(code):
                return Retry(_pause_s(fence), f"the chain cannot be read: {code}")
            case Reread(held):
                return self._take(step, held, fence)
        assert_never(found)

    def _take(self, step: SettledBatch, held: Mapping[str, Held], fence: Fence) -> Outcome:
        try:
            with self._index.tasks.postgres.transaction(holding=fence) as tx:
                settlement = self._index.batches.numbered(tx, step.chain_batch)
                if settlement is not None and settlement.state is SettlementState.INDEXED:
                    return Skipped("it is indexed")
                self._index.holdings.keep(tx, held.values())
                reason = self._unlike(tx, settlement, step)
                if settlement is None or reason is not None:
                    self._keep_foreign(tx, step, reason or "we gave this number to none")
                else:
                    self._take_ours(tx, settlement, step)
                result = {"foreign": reason, "ours": settlement is not None and reason is None}
                self._index.tasks.complete(tx, fence, result)
        except Overdrawn:
            _tell_waiting(step, fence)
            return Retry(_pause_s(fence), "what it takes from was told of later, and is not booked yet")
        return Done(result)

    def _touched(self, step: SettledBatch) -> list[str]:
        """The accounts of the batch's wallets and items: by the instruction, or by what was planned for its number."""
        addresses, whole = self._index.reading.addresses, step.settled.whole
        if whole is not None:
            numbers, wallets = [number for number, _ in whole.items], [wallet for wallet, _ in whole.deltas]
        else:
            with self._index.tasks.postgres.transaction() as tx:
                settlement = self._index.batches.numbered(tx, step.chain_batch)
                if settlement is None:
                    return []  # its parts' own tasks have read them
                numbers = list(self._numbers(tx, settlement).values())
                wallets = list(deltas_of(settlement.plan))
        return [*map(addresses.item, numbers), *map(addresses.ledger, wallets)]

    def _numbers(self, tx: Transaction, settlement: StoredSettlement) -> dict[str, int]:
        rows = tx.all(Q["numbers_of"], items=sorted(items_of(settlement.plan)))
        return {row["item_id"]: row["item_number"] for row in rows}

    def _unlike(self, tx: Transaction, settlement: StoredSettlement | None, step: SettledBatch) -> str | None:
        if settlement is None:
            return None
        if settlement.state in (SettlementState.WAITING, SettlementState.ABANDONED):
            return "its last attempt was given up"
        batch = self._index.batches.batch(tx, settlement.batch)
        return unlike(settlement.plan, batch.result_hash, self._numbers(tx, settlement), step.settled)

    def _take_ours(self, tx: Transaction, settlement: StoredSettlement, step: SettledBatch) -> None:
        now, row, settled = self._index.clock.now(), settlement.row, step.settled
        if settled.whole is not None:
            key = settlement_key(settlement.batch, settlement.ordinal)
            self._index.posts.post(tx, key, movements(settled.whole), f"batch {step.chain_batch} of the program")
        self._tell_history(tx, settlement, step)
        intents = [one["id"] for one in tx.all(Q["settle_intents"], **row, now=now)]
        items = items_of(settlement.plan)
        tx.execute(Q["sell_listings"], **row, items=list(items), owners=list(items.values()), now=now)
        self._index.batches.release(tx, settlement)
        moved = self._index.batches.move(
            tx, settlement, SettlementEvent.INDEX, signature=step.signature, slot=step.slot
        )
        self._index.news.settlement(tx, moved, intents, self._index.batches.batch(tx, settlement.batch))

    def _tell_history(self, tx: Transaction, settlement: StoredSettlement, step: SettledBatch) -> None:
        sellers = {row["item_id"]: row["seller"] for row in tx.all(Q["first_sellers"], **settlement.row)}
        items, at = items_of(settlement.plan), self._settled_at(step)
        moved = [(item, sellers.get(item), owner) for item, owner in sorted(items.items())]
        # Sold and bought back within the batch, an item has not changed hands.
        self._index.holdings.tell(tx, [_change(step, *one, at) for one in moved if one[1] != one[2]])

    def _keep_foreign(self, tx: Transaction, step: SettledBatch, reason: str) -> None:
        settled, at = step.settled, self._settled_at(step)
        if settled.whole is not None:
            known = self._index.holdings.numbered(tx, [number for number, _ in settled.whole.items])
            owners = dict(settled.whole.items)
            self._index.holdings.tell(
                tx, [_change(step, one.item_id, None, owners[number], at) for number, one in sorted(known.items())]
            )
            self._index.posts.post(tx, f"netting:foreign:{step.chain_batch}", movements(settled.whole), reason)
        tx.execute(
            Q["keep_foreign"],
            chain_batch=step.chain_batch,
            reason=reason,
            batch_hash=settled.batch_hash,
            items=step.num_items,
            wallets=step.num_wallets,
            slot=step.slot,
            signature=step.signature,
            now=self._index.clock.now(),
        )
        tx.after_commit(lambda: _tell_foreign(step, reason))

    def _settled_at(self, step: SettledBatch) -> datetime:
        return happened_at(step.settled_at_s, self._index.clock)


def _change(step: SettledBatch, item_id: str, from_wallet: str | None, to_wallet: str, at: datetime) -> Change:
    return Change(
        item_id=item_id,
        event="settled",
        from_wallet=from_wallet,
        to_wallet=to_wallet,
        chain_batch=step.chain_batch if step.chain_batch <= BIGINT_MAX else None,
        slot=step.slot,
        signature=step.signature,
        at=at,
    )


def _tell_foreign(step: SettledBatch, reason: str) -> None:
    fields = {"chain_batch": str(step.chain_batch), "signature": step.signature, "reason": reason}
    logger.error("The program settled a batch that is not ours.", extra={"alarm": "netting.foreign_batch"} | fields)
    count("netting_foreign_batches")
    count("netting_alarms")


def _tell_waiting(step: SettledBatch, fence: Fence) -> None:
    if fence.token >= PATIENCE_LOOKS:
        fields = {"chain_batch": str(step.chain_batch), "signature": step.signature}
        logger.error("A batch takes more than was booked.", extra={"alarm": "netting.books_behind"} | fields)
        count("netting_alarms")


def _pause_s(fence: Fence) -> int:
    return min(fence.token, PAUSE_MAX_S)
