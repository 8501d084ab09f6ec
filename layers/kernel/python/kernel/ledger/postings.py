"""Owns what may be posted: at least two amounts that cancel out in each asset. Pure.

Conservation is asserted here, when a transaction is planned, and again by the database, when it is stored.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import Broken, Conflict

POSTINGS_MIN: Final = 2
# Each is checked again at the commit against all others of its transaction; more belong into several transactions.
POSTINGS_MAX: Final = 1_000
# What a chain can hold.
AMOUNT_LIMIT: Final = 2**256


class Unbalanced(Broken):
    """The postings of a transaction do not sum to zero in each asset."""

    cause = "Something was made or lost on the way: a fee, a remainder or a side of the entry is missing."
    remedy = "Correct the code that planned the postings; the sums are in details."


class PostingsUnfit(Broken):
    """A transaction cannot have these postings."""

    cause = "There are fewer than two or more than a thousand, or an amount is zero, no integer, or beyond 256 bits."
    remedy = "Correct the code that planned the postings."


class PostingsChanged(Conflict):
    """This business key is already posted with other postings."""

    cause = "The same business key came from another service, or with other accounts, assets or amounts."
    remedy = "Give a different event a different business key."


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` units of `asset` into the account (+), or out of it (-)."""

    account: str
    asset: str
    amount: int


def plan(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings in the order in which they are stored. Raises Unbalanced, PostingsUnfit."""
    planned = tuple(sorted(postings, key=_order))
    if not POSTINGS_MIN <= len(planned) <= POSTINGS_MAX:
        raise PostingsUnfit(postings=len(planned))
    for posting in planned:
        if type(posting.amount) is not int or posting.amount == 0 or abs(posting.amount) >= AMOUNT_LIMIT:
            raise PostingsUnfit(account=posting.account, asset=posting.asset, amount=str(posting.amount))
    if off := {asset: total for asset, total in totals(planned).items() if total != 0}:
        raise Unbalanced(sums=", ".join(f"{asset}: {total}" for asset, total in sorted(off.items())))
    return planned


def totals(postings: Iterable[Posting]) -> Mapping[str, int]:
    """The sum of the amounts of each asset."""
    sums: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.asset] += posting.amount
    return sums


def same(stored: Sequence[Mapping[str, Any]], planned: Sequence[Posting]) -> bool:
    """True when the stored rows are these postings."""
    kept = [Posting(row["account"], row["asset"], int(row["amount"])) for row in stored]
    return sorted(kept, key=_order) == sorted(planned, key=_order)


def _order(posting: Posting) -> tuple[str, str, int]:
    """By account, so that locks are taken in one order; what comes in before what goes out."""
    return posting.account, posting.asset, -posting.amount
