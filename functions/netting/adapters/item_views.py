"""Owns the documents of items, of their histories, and of differences between books and chain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from functions.netting.adapters.intent_views import Key, whole
from kernel.handler.http import Document

ITEM_ID: Final = r"^[!-~]{1,128}$"


class ItemBody(Document):
    """An item to be registered. The royalty goes to its creator, in hundredths of a percent of each sale."""

    item_id: Annotated[str, Field(pattern=ITEM_ID)]
    mint: Key
    creator: Key | None = None
    royalty_bps: Annotated[int, Field(strict=True, ge=0, le=10_000), BeforeValidator(whole)] = 0


class ItemView(Document):
    """An item. `item_number` is its id in the program; `owner` is null while it is not in the program's escrow.

    `requested_at`: its owner wants it back without the authority, and it is not traded. `slot`: as of which owner and
    request are known, finalized.
    """

    item_id: str
    item_number: str
    mint: str
    owner: str | None
    creator: str | None
    royalty_bps: int
    requested_at: datetime | None
    slot: int
    read_at: datetime


class ItemPage(Document):
    """A wallet's items by id; `next_cursor` continues it."""

    items: list[ItemView]
    next_cursor: str | None


class Passage(Document):
    """An item changed hands. `from_wallet` is null for a deposit, `to_wallet` for a withdrawal."""

    event: Literal["deposited", "settled", "withdrawn"]
    from_wallet: str | None
    to_wallet: str | None
    chain_batch: str | None
    signature: str
    slot: int
    happened_at: datetime


class History(Document):
    """An item's history, newest first; `next_cursor` continues it."""

    item_id: str
    history: list[Passage]
    next_cursor: int | None


class DifferenceView(Document):
    """Books and chain differed. `subject`: a wallet, or "outside" for all of them, or "clearing".

    `confirmed_at`: a second look found the same, and an operator was called.
    """

    subject: str
    booked_lamports: str
    chain_lamports: str
    slot: int
    seen_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None


class Differences(Document):
    """A page, newest first; `next_cursor` continues it."""

    differences: list[DifferenceView]
    next_cursor: int | None


def item_view(row: Mapping[str, Any]) -> ItemView:
    """The document of a row."""
    return ItemView(**_shown(ItemView, row, item_number=str(row["item_number"])))


def item_page(rows: Sequence[Mapping[str, Any]], limit: int) -> ItemPage:
    """A page of rows."""
    following = rows[-1]["item_id"] if len(rows) == limit else None
    return ItemPage(items=[item_view(row) for row in rows], next_cursor=following)


def history_page(item_id: str, rows: Sequence[Mapping[str, Any]], limit: int) -> History:
    """A page of rows."""
    told = [Passage(**_shown(Passage, row, chain_batch=_text(row["chain_batch"]))) for row in rows]
    return History(item_id=item_id, history=told, next_cursor=_following(rows, limit))


def differences_page(rows: Sequence[Mapping[str, Any]], limit: int) -> Differences:
    """A page of rows."""
    amounts = ("booked_lamports", "chain_lamports")
    shown = [DifferenceView(**_shown(DifferenceView, row, **{one: str(row[one]) for one in amounts})) for row in rows]
    return Differences(differences=shown, next_cursor=_following(rows, limit))


def _shown(document: type[Document], row: Mapping[str, Any], **instead: Any) -> dict[str, Any]:
    return {name: row[name] for name in document.model_fields} | instead


def _following(rows: Sequence[Mapping[str, Any]], limit: int) -> int | None:
    return int(rows[-1]["id"]) if len(rows) == limit else None


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
