"""What is shown of the bridge: orders with their history, what is owed, and the books; reads of one moment each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from functions.bridge.adapters.orders import OrderUnknown
from functions.bridge.adapters.steps import CLOSE, DECIDE, FILL
from functions.bridge.adapters.stored import StoredOrder, stored
from functions.bridge.core.order import OrderKey
from kernel.errors import Invalid
from kernel.moments import from_unix_us, unix_us
from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("reading.sql"))
#: Rows of one part of an order: more than a person reads.
ROWS_MAX: Final = 500

Row = Mapping[str, Any]


class CursorUnfit(Invalid):
    """This cursor does not come from a page of this list."""

    cause = "A cursor was changed on its way, or belongs to another list."
    remedy = "Begin without a cursor, and give next_cursor back as it came."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders; None is any."""

    origin: str | None = None
    state: str | None = None
    recipient: int | None = None
    is_parked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One order and all that is kept of it. generations: how many deposits its id ever was."""

    order: StoredOrder
    generations: int
    history: Sequence[Row]
    errors: Sequence[Row]
    transfers: Sequence[Row]


class Reading:
    """Reads for those who look; nothing is decided by them."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def orders(self, wanted: Wanted, *, limit: int, cursor: str | None) -> list[StoredOrder]:
        """A page, newest first. Raises CursorUnfit."""
        columns = {"origin": wanted.origin, "state": wanted.state, "recipient": wanted.recipient}
        with self._postgres.transaction() as tx:
            found = tx.all(Q["orders"], **columns, is_parked=wanted.is_parked, limit=limit, **_after(cursor))
        return [stored(row) for row in found]

    def story(self, key: OrderKey, generation: int | None = None) -> Story:
        """One order, by default the newest that has this id. Raises OrderUnknown."""
        place = {"origin": key.origin, "order_id": key.order_id}
        with self._postgres.transaction() as tx:
            orders = [stored(row) for row in tx.all(Q["generations"], **place)]
            order = next((one for one in orders if generation in (None, one.generation)), None)
            if order is None:
                raise OrderUnknown(origin=key.origin, order_id=str(key.order_id))
            of_it = {**order.row, "limit": ROWS_MAX}
            kept = {name: tx.all(Q[name], **of_it) for name in ("history", "errors", "transfers")}
        return Story(order=order, generations=len(orders), **kept)

    def keys_of(self, story: Story) -> list[str]:
        """The business keys under which this order's tasks and transactions are known to the house."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["task_keys"], kinds=[DECIDE, FILL, CLOSE], keys=_task_keys(story.order))
        return sorted(
            {row["business_key"] for row in rows} | {f"treasury/{one['transfer']}" for one in story.transfers}
        )

    def exposures(self) -> list[Row]:
        """What is not over, by origin and state."""
        with self._postgres.transaction() as tx:
            return list(tx.all(Q["exposures"]))

    def balances(self, names: Iterable[str], at: datetime | None = None) -> dict[tuple[str, str], int]:
        """What accounts of the books hold, now or just before a moment, by name and asset; those that are open."""
        with self._postgres.transaction() as tx:
            return balances(tx, names, at)

    def rebalances(self, *, limit: int, below: int | None) -> list[Row]:
        """Decisions about where our money should be, newest first."""
        with self._postgres.transaction() as tx:
            return list(tx.all(Q["rebalances"], limit=limit, below=below))


def balances(tx: Transaction, names: Iterable[str], at: datetime | None = None) -> dict[tuple[str, str], int]:
    """The same in the caller's transaction."""
    listed = list(names)
    rows = tx.all(Q["balances"], names=listed) if at is None else tx.all(Q["balances_at"], names=listed, at=at)
    return {(row["name"], row["asset"]): int(row["balance"]) for row in rows}


def cursor_of(order: StoredOrder) -> str:
    """Where a page that ends with this order is continued."""
    return f"{unix_us(order.seen_at)}.{order.key.origin}.{order.key.order_id}.{order.generation}"


def _after(cursor: str | None) -> dict[str, Any]:
    if cursor is None:
        return {"seen_at": None, "after_origin": None, "after_id": None, "after_generation": None}
    moment, origin, order_id, generation = cursor.split(".")
    try:
        seen_at = from_unix_us(int(moment))
    except OverflowError as unfit:
        raise CursorUnfit from unfit
    return {
        "seen_at": seen_at,
        "after_origin": origin,
        "after_id": int(order_id),
        "after_generation": int(generation),
    }


def _task_keys(order: StoredOrder) -> list[str]:
    """Every key that a step of this order can have had (adapters/steps.py), the first ones where they are too many."""
    names = []
    for step, numbers in (("decide", order.round), ("fill", order.round), ("close", order.claims)):
        for number in range(1, max(1, numbers) + 1):
            name = order.business_key(step, number)
            names += [name, *(f"{name}:again{wake}" for wake in range(1, order.wakes + 1))]
    return names[:ROWS_MAX]
