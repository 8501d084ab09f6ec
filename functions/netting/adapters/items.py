"""Items by their names: registered by administrators, shown with their owners of record and their histories."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from functions.netting.adapters.item_views import ItemBody
from functions.netting.adapters.refusals import UnknownItem
from kernel.audit import Audit
from kernel.clock import Clock
from kernel.errors import Conflict, Rejected
from kernel.keys.solana import checked_address
from kernel.postgres import Postgres, Queries

Q: Final = Queries.load(Path(__file__).with_name("items.sql"))
Row = Mapping[str, Any]
#: Above every id.
NEWEST: Final = 2**63 - 1


class ItemTaken(Conflict):
    """The item's id or its mint is registered with something else."""

    cause = "An item keeps its mint, creator and royalty; a mint is one item."
    remedy = "Compare with GET /v1/netting/items/{id}; register another id, or another mint."
    example = '{"item_id": "item-7", "mint": "8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR"}'


class CreatorMissing(Rejected):
    """A royalty goes to a creator."""

    status = 422
    cause = "The item has a royalty, and nobody is named who gets it."
    remedy = "Name its creator's wallet, or register it without a royalty."


class Items:
    """The table of items, for those who register and those who look."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock
        self._audit = Audit(postgres, clock)

    def register(self, body: ItemBody, *, actor: str) -> Row:
        """Make an item known; the same again finds itself. Raises ItemTaken, CreatorMissing, SolanaAddressInvalid."""
        if body.creator is None and body.royalty_bps:
            raise CreatorMissing(item_id=body.item_id)
        for address in (body.mint, *([body.creator] if body.creator else [])):
            checked_address(address)
        terms = {"mint": body.mint, "creator": body.creator, "royalty_bps": body.royalty_bps}
        with self._postgres.transaction() as tx:
            is_new = tx.execute(Q["register"], item_id=body.item_id, **terms, now=self._clock.now()) > 0
            row = tx.maybe(Q["item"], item_id=body.item_id)
            if row is None or any(row[name] != value for name, value in terms.items()):
                raise ItemTaken(item_id=body.item_id, mint=body.mint)
            if is_new:
                self._audit.record(tx, actor=actor, action="netting.register_item", subject=body.item_id, details=terms)
        return row

    def item(self, item_id: str) -> Row:
        """One item. Raises UnknownItem."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["item"], item_id=item_id)
        if row is None:
            raise UnknownItem()
        return row

    def of_owner(self, owner: str, *, after: str | None, limit: int) -> Sequence[Row]:
        """What a wallet owns, by item, behind that one."""
        with self._postgres.transaction() as tx:
            return tx.all(Q["of_owner"], owner=owner, after=after or "", limit=limit)

    def history(self, item_id: str, *, below: int | None, limit: int) -> Sequence[Row]:
        """How an item changed hands, newest first. Raises UnknownItem."""
        self.item(item_id)
        with self._postgres.transaction() as tx:
            return tx.all(Q["history"], item_id=item_id, below=below or NEWEST, limit=limit)
