"""Owns what an account's statement shows: each posting with the balance that it left, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One posting of the account. `sequence` counts them from 1; `balance` is what the account held after it."""

    sequence: int
    transaction_id: UUID
    business_key: str
    service: str
    memo: str
    amount: int
    balance: int
    posted_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Line":
        """From a row of the query `statement`."""
        return cls(**{**row, "amount": int(row["amount"]), "balance": int(row["balance"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A page, oldest first. `balance` is the account's at the moment of the query; `next_after` continues the page.

    A line once shown never changes or moves, so pages fetched at different times fit together.
    """

    account: str
    asset: str
    balance: int
    lines: tuple[Line, ...]
    next_after: int | None


def page(account: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], limit: int) -> Statement:
    """The page of `limit` lines, of which there is another when the query (asked for one more) found more."""
    lines = tuple(Line.from_row(row) for row in rows[:limit])
    return Statement(
        account=account["name"],
        asset=account["asset"],
        balance=int(account["balance"]),
        lines=lines,
        next_after=lines[-1].sequence if len(rows) > limit else None,
    )
