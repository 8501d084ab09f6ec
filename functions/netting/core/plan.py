"""Owns a batch as it is planned: cleared, cut into settlements, summed up, and what becomes of each of its intents.

1. Clear the intents by the rule of `columns.py`.
2. Cut the clearing into components, and pack those into settlements, each balanced by itself.
3. Assert that together they are the clearing: no lamport and no item is made, lost, or moved twice.
4. Build both trees and the metadata.

An accepted intent belongs to the settlement that moves its item. One that was skipped waits where time can help it,
and is dropped where it cannot: an item that is somebody else's, or nobody's, is not bought from this seller.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.netting.core.components import components
from functions.netting.core.contents import items_of, require_conserved
from functions.netting.core.merkle import root
from functions.netting.core.metadata import metadata_bytes
from functions.netting.core.netting import Clearing, Intent, Reason, Royalty, clear
from functions.netting.core.packing import Settlement, lower_bound, pack, transactions
from functions.netting.core.sizes import NO_SHELVES, Shelves
from functions.netting.core.state_root import StateTree

#: Skipped for these, an intent is dropped.
HOPELESS: Final = frozenset((Reason.NOT_OWNER, Reason.UNKNOWN_ITEM))


@dataclass(frozen=True, slots=True)
class PendingIntent:
    """What clearing reads of a stored intent. `created_at` is in milliseconds."""

    id: str
    item_id: str
    seller: str
    buyer: str
    amount_lamports: int
    nonce: int
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a batch is cleared from. owners: of items in escrow. balances: what wallets can spend; none where absent."""

    intents: Sequence[PendingIntent]
    owners: Mapping[str, str]
    balances: Mapping[str, int]
    royalties: Mapping[str, Royalty]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What each sale pays, and to whom."""

    bps: int = 0
    wallet: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """A batch that is to be stored. items: of accepted intents. ordinals: of each item's settlement, from 0."""

    batch: UUID
    netted_at: datetime
    clearing: Clearing
    items: Mapping[str, str]
    settlements: tuple[Settlement, ...]
    ordinals: Mapping[str, int]
    transactions: int
    packing_bound: int
    traded_lamports: int
    moved_lamports: int
    items_root: bytes
    state_root: bytes
    metadata: bytes

    @property
    def da_hash(self) -> bytes:
        """By which the program's state root names the metadata."""
        return hashlib.sha256(self.metadata).digest()

    def skipped(self, *, hopeless: bool) -> dict[str, Reason]:
        """The skipped intents that are to be dropped, or those that go on waiting."""
        return {one: reason for one, reason in self.clearing.skipped.items() if (reason in HOPELESS) is hopeless}


def plan_batch(
    batch: UUID,
    market: Market,
    clearing: Clearing,
    fee: Fee,
    netted_at: datetime,
    shelves: Shelves = NO_SHELVES,
) -> BatchPlan:
    """The batch of a clearing of this market. shelves: where the accounts of what it moves lie."""
    parts = components(clearing, market.intents, _paid(clearing, market, fee))
    settlements = tuple(pack(parts, shelves))
    require_conserved(clearing, settlements)
    items_root = root(clearing.final_owners)
    state_root = StateTree(batch, clearing.final_owners, clearing.deltas).root
    count = transactions(settlements)
    accepted = set(clearing.accepted)
    return BatchPlan(
        batch=batch,
        netted_at=netted_at,
        clearing=clearing,
        items={one.id: one.item_id for one in market.intents if one.id in accepted},
        settlements=settlements,
        ordinals={item: ordinal for ordinal, one in enumerate(settlements) for item in items_of(one)},
        transactions=count,
        packing_bound=lower_bound(parts, shelves),
        traded_lamports=traded(clearing, market.intents),
        moved_lamports=sum(delta for delta in clearing.deltas.values() if delta > 0),
        items_root=items_root,
        state_root=state_root,
        metadata=metadata_bytes(
            batch,
            netted_at,
            clearing,
            settlements=len(settlements),
            transactions=count,
            items_root=items_root,
            state_root=state_root,
        ),
    )


def clear_market(market: Market, fee: Fee) -> Clearing:
    """The clearing rule over a market."""
    return clear(market.intents, market.owners, market.balances, fee.bps, fee.wallet, market.royalties)


def traded(clearing: Clearing, intents: Sequence[Intent]) -> int:
    """What the accepted intents say, in lamports."""
    accepted = set(clearing.accepted)
    return sum(intent.amount_lamports for intent in intents if intent.id in accepted)


def _paid(clearing: Clearing, market: Market, fee: Fee) -> list[tuple[str, str]]:
    """Each seller and who got a share of its sales."""
    accepted = set(clearing.accepted)
    paid = []
    for intent in market.intents:
        if intent.id not in accepted:
            continue
        if fee.bps and fee.wallet is not None:
            paid.append((intent.seller, fee.wallet))
        royalty = market.royalties.get(intent.item_id)
        if royalty is not None and royalty.bps:
            paid.append((intent.seller, royalty.creator))
    return paid
