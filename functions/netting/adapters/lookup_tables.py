"""Address lookup tables: what makes a settlement hold 21 entries instead of 12. Long-lived, and only ever added to.

An account is added once, after the first batch that moved it: whoever has traded trades again. A table costs rent for
good (0.0014 SOL, and 0.00022 SOL for each address), so there are as many as the operator allows; what lies in none is
named in full. Accounts that trade together come in together, so that their next settlement needs few tables.

One addition is on its way at a time. What it adds is used once it is final; until then, and where it failed, nothing
is lost but the room that it would have saved. What has failed three times stays out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.netting.adapters.obligations import Effect, Obligations, rent_lamports
from functions.netting.adapters.program_accounts import CLOCK, Calls
from functions.netting.core.sizes import Shelves, used_tables
from kernel.clock import Clock
from kernel.postgres import Queries, Transaction
from kernel.solana.lookup_tables import EXTENSION_MAX, TABLE_ADDRESSES_MAX, create_table, extend_table
from kernel.solana.transactions import Instruction

if TYPE_CHECKING:
    from functions.netting.wiring import Deps

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("lookup_tables.sql"))
ADDRESS_SIZE_BYTES, TABLE_HEAD_SIZE_BYTES = 32, 56
GROWTH_UNITS: Final = 40_000
FAILURES_MAX: Final = 3
#: What the keys of additions begin with.
PREFIX: Final = "netting:table:"


class LookupTables:
    """The authority's tables on one cluster. tables_max: how many it may make."""

    def __init__(
        self, calls: Calls, obligations: Obligations, clock: Clock, *, authority: str, tables_max: int
    ) -> None:
        self._calls, self._obligations, self._clock = calls, obligations, clock
        self._authority, self._tables_max = authority, tables_max

    def used(self, tx: Transaction, instruction: Instruction) -> tuple[str, ...]:
        """The tables that make a transaction of this instruction shorter."""
        named = {use.address for use in instruction.accounts if not use.signer}
        rows = tx.all(Q["members_by_table"], accounts=sorted(named))
        shared = len(named & {*self._shared})
        return used_tables({row["address"]: row["members"] for row in rows}, shared)

    def want(self, tx: Transaction, items: Iterable[tuple[str, int]], wallets: Iterable[str]) -> None:
        """These accounts are to lie in a table. items: with their numbers."""
        asked = [("item", item, self._calls.item(number)) for item, number in items]
        asked += [("wallet", wallet, self._calls.ledger(wallet)) for wallet in wallets]
        if self._tables_max and asked:
            kinds, subjects, accounts = (list(column) for column in zip(*asked, strict=True))
            tx.execute(Q["want_members"], kinds=kinds, subjects=subjects, accounts=accounts)

    def grow(self, tx: Transaction, slot: int) -> bool:
        """Record the next addition, if one is wanted and none on its way; whether one is on its way now.

        slot: a final one that is not yet 512 old. Raises what `Obligations.record` raises.
        """
        tx.execute(Q["lock_tables"])
        state = tx.one(Q["state_of_tables"])
        if state["under_way"]:
            return True
        table = tx.maybe(Q["table_with_room"], members_max=TABLE_ADDRESSES_MAX)
        if table is None:
            return state["tables"] < self._tables_max and self._create(tx, slot)
        room = min(EXTENSION_MAX, TABLE_ADDRESSES_MAX - table["members"])
        accounts = self._wanted(tx, room)
        if not accounts:
            return False
        address, number = table["address"], table["transfers"]
        self._record(tx, address, number, extend_table(address, self._authority, self._authority, accounts), accounts)
        return True

    def ended(self, tx: Transaction, transfer: str, *, usable_at: int | None) -> None:
        """The addition of a key is over. usable_at: the slot where it succeeded, if it did."""
        if not transfer.startswith(PREFIX):
            return
        if usable_at is not None:
            tx.execute(Q["members_usable"], transfer=transfer, usable_at=usable_at)
            return
        for row in tx.all(Q["members_lost"], transfer=transfer):
            tx.execute(Q["shrink_table"], address=row["address"], members=row["members"])
        tx.execute(Q["drop_empty_tables"], members=len(self._shared))
        logger.error("A lookup table could not be added to.", extra={"alarm": "netting.lookup_table", "key": transfer})

    def _create(self, tx: Transaction, slot: int) -> bool:
        accounts = self._wanted(tx, EXTENSION_MAX - len(self._shared))
        if not accounts:
            return False
        creation, address = create_table(self._authority, self._authority, recent_slot=slot)
        filling = extend_table(address, self._authority, self._authority, [*self._shared, *accounts])
        tx.execute(Q["record_table"], address=address, members=len(self._shared), now=self._clock.now())
        self._record(tx, address, 0, [creation, *filling], accounts)
        return True

    def _record(
        self, tx: Transaction, table: str, number: int, instructions: list[Instruction], accounts: list[str]
    ) -> None:
        key = f"{PREFIX}{table}:{number}"
        added = len(accounts) + (len(self._shared) if number == 0 else 0)
        rent = rent_lamports(TABLE_HEAD_SIZE_BYTES + ADDRESS_SIZE_BYTES * added)
        effect = Effect(
            key=key, instructions=instructions, units=GROWTH_UNITS, rent_lamports=rent, reason="adds to a lookup table"
        )
        self._obligations.record(tx, effect)
        tx.execute(Q["members_on_their_way"], accounts=accounts, address=table, transfer=key)
        tx.execute(Q["grow_table"], address=table, members=len(accounts))

    def _wanted(self, tx: Transaction, limit: int) -> list[str]:
        rows = tx.all(Q["members_wanted"], limit=limit, failures_max=FAILURES_MAX)
        return [row["account"] for row in rows]

    @property
    def _shared(self) -> tuple[str, str]:
        """What every table begins with."""
        return self._calls.config, CLOCK


def shelves_of(tx: Transaction, items: Iterable[str], wallets: Iterable[str]) -> Shelves:
    """In which tables the accounts of these items and wallets lie."""
    return Shelves(items=_shelf(tx, "item", items), wallets=_shelf(tx, "wallet", wallets))


def _shelf(tx: Transaction, kind: str, subjects: Iterable[str]) -> dict[str, str]:
    return {row["subject"]: row["address"] for row in tx.all(Q["shelf"], kind=kind, subjects=list(subjects))}


def lookup_tables_of(deps: Deps) -> LookupTables:
    """As this container is set up."""
    settings = deps.settings
    return LookupTables(
        deps.calls, deps.obligations, deps.clock, authority=settings.authority, tables_max=settings.lookup_tables_max
    )
