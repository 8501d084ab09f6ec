"""Owns the documents of tokens, their prices, and the list of what may be played with."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from functions.contests.adapters.forms import ADDRESS, ONE_ADDRESS, Address, SignatureText
from functions.contests.adapters.market_rows import TokenRow
from functions.contests.adapters.whitelist import ListedToken
from functions.contests.core.market import POINTS_PER_CALL_MAX, PRICE_DECIMALS, Judged, Quote
from functions.contests.core.whitelist import NAME_LONGEST, SYMBOL_LONGEST
from kernel.amounts import format_units
from kernel.handler.http import Document

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ADDRESSES: Final = f"^{ONE_ADDRESS}(,{ONE_ADDRESS}){{0,49}}$"
TOKENS_CURSOR: Final = f"^[0-9]{{1,7}}_{ONE_ADDRESS}$"

_DECIMAL: Final = {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,18})?$"}
_POINT: Final[dict[str, Any]] = {
    "title": "Point",
    "type": "object",
    "description": "A price of one whole token in USD, best sent as text; a number is taken at its shortest form.",
    "required": ["mint", "price", "source", "timestamp"],
    "properties": {
        "mint": {"type": "string", "pattern": ADDRESS, "example": "So11111111111111111111111111111111111111112"},
        "price": {"anyOf": [_DECIMAL, {"type": "number", "exclusiveMinimum": 0}], "example": "147.48"},
        "source": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$", "example": "desk-1"},
        "width_bps": {"type": ["integer", "null"], "minimum": 0, "maximum": 10000, "example": 12},
        "timestamp": {"type": "string", "format": "date-time", "example": "2026-01-01T00:00:00Z"},
    },
}


class PushBody(Document):
    """Prices. Each is judged by itself, so their form is described but not enforced here."""

    prices: Annotated[list[Annotated[Any, WithJsonSchema(_POINT)]], Field(min_length=1, max_length=POINTS_PER_CALL_MAX)]


class RefusedPoint(Document):
    """A price that was not stored: its position in the request, and why."""

    index: int
    reason: str


class PushView(Document):
    """What became of them. What was there before is not new, and no refusal."""

    status: Literal["ok", "partial"]
    stored: int
    failed: list[RefusedPoint]


class QuoteView(Document):
    """A token's price, in USD for a whole one; `width_bps`: how far apart its markets are, half of it.

    liquidity_usd: whole dollars in them, as the source says.
    """

    mint: str
    price_usd: str
    source: str
    observed_at: datetime
    width_bps: int | None
    block: int | None
    liquidity_usd: int | None


class QuotesView(Document):
    """The newest price of each token that was asked for and has one."""

    prices: list[QuoteView]
    missing: list[str]


class HistoryView(Document):
    """What a token cost, the newest first; the next page ends before `next_to`."""

    mint: str
    prices: list[QuoteView]
    next_to: datetime | None


class TokenView(Document):
    """A token by rank, the largest being 1; `silent_since`: since then nobody who is asked has a price of it."""

    mint: str
    symbol: str
    name: str
    decimals: int
    rank: int
    silent_since: datetime | None


class TokenPage(Document):
    """A page; `next_cursor` continues it."""

    tokens: list[TokenView]
    next_cursor: str | None


class AdditionBody(Document):
    """A token, and the signature of the transfer that pays the fee to the treasury's wallet."""

    mint: Address
    symbol: Annotated[str, Field(min_length=1, max_length=SYMBOL_LONGEST)]
    name: Annotated[str, Field(min_length=1, max_length=NAME_LONGEST)]
    signature: SignatureText


class GiftBody(Document):
    """A token that an administrator puts on the list without a fee."""

    mint: Address
    symbol: Annotated[str, Field(min_length=1, max_length=SYMBOL_LONGEST)]
    name: Annotated[str, Field(min_length=1, max_length=NAME_LONGEST)]


class RemovalBody(Document):
    """Why a token is taken off the list."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class ListedView(Document):
    """A token that may be played with."""

    id: UUID
    mint: str
    symbol: str
    name: str
    decimals: int
    added_by: str
    fee_lamports: str
    signature: str | None
    added_at: datetime


class ListedPage(Document):
    """A page, the newest first; `next_cursor` continues it."""

    tokens: list[ListedView]
    next_cursor: UUID | None


class FeeView(Document):
    """What an addition costs the wallet that asks, and where to."""

    wallet: str
    fee_lamports: str
    pay_to: str


class RemovedView(Document):
    """A token that is on the list no more."""

    mint: str
    removed: Literal[True] = True


def _written(moment: object) -> object:
    """A time in ISO 8601, and no number of seconds. Raises ValueError."""
    if not isinstance(moment, str) or not _DATE.match(moment):
        raise ValueError("a time is written in ISO 8601")
    return moment


#: From and to of a history, whose page ends where the next begins.
Moment = Annotated[AwareDatetime, BeforeValidator(_written)]


def push_view(judged: Judged, stored: int) -> PushView:
    """What became of a call."""
    failed = [RefusedPoint(index=one.index, reason=one.reason.value) for one in judged.refused]
    return PushView(status="partial" if failed else "ok", stored=stored, failed=failed)


def quote_view(quote: Quote) -> QuoteView:
    """A price as it is shown."""
    return QuoteView(
        mint=quote.mint,
        price_usd=format_units(quote.price, PRICE_DECIMALS),
        source=quote.source,
        observed_at=quote.observed_at,
        width_bps=quote.width_bps,
        block=quote.block,
        liquidity_usd=quote.liquidity_usd,
    )


def quotes_view(mints: Sequence[str], found: dict[str, Quote]) -> QuotesView:
    """Those that were asked for."""
    prices = [quote_view(found[mint]) for mint in mints if mint in found]
    return QuotesView(prices=prices, missing=[mint for mint in mints if mint not in found])


def history_view(mint: str, quotes: Sequence[Quote], limit: int) -> HistoryView:
    """A page of a token's history."""
    next_to = quotes[-1].observed_at if len(quotes) == limit else None
    return HistoryView(mint=mint, prices=[quote_view(quote) for quote in quotes], next_to=next_to)


def after(cursor: str | None) -> tuple[int, str]:
    """Rank and mint of a cursor."""
    rank, _, mint = (cursor or "0_").partition("_")
    return int(rank), mint


def token_page(rows: Sequence[TokenRow], limit: int) -> TokenPage:
    """A page of tokens."""
    following = f"{rows[-1].rank}_{rows[-1].mint}" if len(rows) == limit else None
    return TokenPage(tokens=[TokenView.model_validate(row) for row in rows], next_cursor=following)


def listed_view(row: ListedToken) -> ListedView:
    """One token."""
    return ListedView(
        id=row.id,
        mint=row.mint,
        symbol=row.symbol,
        name=row.name,
        decimals=row.decimals,
        added_by=row.added_by,
        fee_lamports=str(row.fee_lamports),
        signature=row.signature,
        added_at=row.added_at,
    )


def listed_page(rows: Sequence[ListedToken], limit: int) -> ListedPage:
    """A page of the list."""
    return ListedPage(
        tokens=[listed_view(row) for row in rows], next_cursor=rows[-1].id if len(rows) == limit else None
    )
