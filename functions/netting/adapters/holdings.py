"""Who has what, as the program's accounts say: the newest finalized reading of each wallet's funds and of each item.

Readings come in any order, and the newest slot wins. What they are read for (deposits, settlements, exits) may be told
in any order, too: a reading after a settlement shows the settlement, told or not.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from functions.netting.adapters.program_accounts import Addresses
from functions.netting.adapters.program_reading import Held
from functions.netting.core.accounts import Item, Ledger, SessionKey
from kernel.clock import Clock
from kernel.handler.telemetry import count
from kernel.postgres import Queries, Transaction

logger = logging.getLogger(__name__)
Q: Final = Queries.load(Path(__file__).with_name("holdings.sql"))
#: What a column of ours holds; the program's numbers are twice as large, and only the authority gives them.
BIGINT_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An item that changed hands, and by which transaction."""

    item_id: str
    event: str
    from_wallet: str | None
    to_wallet: str | None
    chain_batch: int | None
    slot: int
    signature: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownItem:
    """An item as it is registered, with the owner that is kept."""

    item_id: str
    number: int
    mint: str
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Oldest:
    """What is to be read again, by address; the slot up to which some of it is known."""

    wallets: tuple[str, ...]
    items: Mapping[str, KnownItem]
    slot: int


class Holdings:
    """The tables of balances, items, their history and session keys."""

    def __init__(self, addresses: Addresses, clock: Clock) -> None:
        self._addresses, self._clock = addresses, clock

    def keep(self, tx: Transaction, held: Iterable[Held]) -> None:
        """Keep what accounts hold, as far as they are there."""
        now, found = self._clock.now(), [(one.account, one.slot) for one in held]
        ledgers = {account.wallet: (account, slot) for account, slot in found if isinstance(account, Ledger)}
        # In one order, so that two commits do not wait for each other.
        tx.many(Q["keep_balance"], [_balance(*ledgers[wallet], now) for wallet in sorted(ledgers)])
        self._keep_items(tx, [(account, slot) for account, slot in found if isinstance(account, Item)], now)
        for session in (account for account, _ in found if isinstance(account, SessionKey)):
            self._keep_session(tx, session, now)

    def forget(self, tx: Transaction, item: KnownItem, slot: int) -> None:
        """An item is out of escrow."""
        self._keep_owner(tx, item.number, None, None, slot, self._clock.now())

    def tell(self, tx: Transaction, changes: Iterable[Change]) -> None:
        """Add to items' histories; what was told before is not told again."""
        tx.many(Q["tell_history"], [{name: getattr(one, name) for name in Change.__slots__} for one in changes])

    def numbered(self, tx: Transaction, numbers: Collection[int]) -> dict[int, KnownItem]:
        """The items of these numbers, as far as there are such."""
        asked = sorted(number for number in numbers if number <= BIGINT_MAX)
        rows = tx.all(Q["items_numbered"], numbers=asked) if asked else []
        return {row["item_number"]: _known(row) for row in rows}

    def at(self, tx: Transaction, mints: Collection[str]) -> dict[str, KnownItem]:
        """The items of these mints by the account that each has in the program: one that is gone tells no number."""
        rows = tx.all(Q["items_minted"], mints=sorted(mints)) if mints else []
        return {self._addresses.item(row["item_number"]): _known(row) for row in rows}

    def release_withdrawal(self, tx: Transaction, signature: str) -> None:
        """A withdrawal is in the balances now: what was held for it is free."""
        tx.execute(Q["release_withdrawal"], signature=signature)

    def oldest(self, tx: Transaction, limit: int) -> Oldest:
        """Whose readings are oldest, so many wallets and so many items."""
        wallets, items = tx.all(Q["oldest_balances"], limit=limit), tx.all(Q["oldest_owners"], limit=limit)
        return Oldest(
            wallets=tuple(self._addresses.ledger(row["wallet"]) for row in wallets),
            items={self._addresses.item(row["item_number"]): _known(row) for row in items},
            slot=max((row["slot"] for row in (*wallets, *items)), default=0),
        )

    def _keep_items(self, tx: Transaction, items: Collection[tuple[Item, int]], now: datetime) -> None:
        known = self.numbered(tx, [item.number for item, _ in items])
        for item, slot in sorted(items, key=lambda one: one[0].number):
            registered = known.get(item.number)
            if registered is None or registered.mint != item.mint:
                _alarm_of(item, registered)
                continue
            requested_at = datetime.fromtimestamp(item.requested_at_s, tz=UTC) if item.requested_at_s else None
            self._keep_owner(tx, item.number, item.owner, requested_at, slot, now)

    def _keep_owner(
        self, tx: Transaction, number: int, owner: str | None, requested_at: datetime | None, slot: int, now: datetime
    ) -> None:
        tx.execute(Q["keep_owner"], number=number, owner=owner, requested_at=requested_at, slot=slot, now=now)

    def _keep_session(self, tx: Transaction, session: SessionKey, now: datetime) -> None:
        named = {"key": session.key, "owner": session.owner, "now": now}
        if session.is_revoked:
            tx.execute(Q["revoke_session"], **named)
            return
        terms = {"max_volume_lamports": session.max_volume_lamports, "expires_at_s": session.expires_at_s}
        tx.execute(Q["register_session"], **named, **terms)


def _balance(ledger: Ledger, slot: int, now: datetime) -> dict[str, Any]:
    return {
        "wallet": ledger.wallet,
        "locked_lamports": ledger.locked_lamports,
        "requested_lamports": ledger.requested_lamports,
        "slot": slot,
        "now": now,
    }


def _known(row: Mapping[str, Any]) -> KnownItem:
    return KnownItem(item_id=row["item_id"], number=row["item_number"], mint=row["mint"], owner=row["owner"])


def _alarm_of(item: Item, registered: KnownItem | None) -> None:
    """The authority signs each deposit and gives the number: it has signed what nobody asked it to."""
    fields = {"number": str(item.number), "mint": item.mint}
    alarm = "netting.item_unregistered" if registered is None else "netting.item_mint_differs"
    logger.error("An item in escrow is none that is registered.", extra={"alarm": alarm} | fields)
    count("netting_alarms")
