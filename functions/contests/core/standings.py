"""Owns who stands before whom.

The final standings are a strict order. What comes first decides, and the next only between equals:

    balance, win rate, profitable trades, average profit a trade, biggest win, time in profit    the greater first
    moment of the first profit                                                                   the earlier first
    the wallet's 32 bytes                                                                        the smaller first

What is absent (None: somebody who never traded has no win rate) comes after everything that is there. Two entrants
never have one wallet, so no two are equal. While a contest runs ranks may be shared: a rank is one more than the number
of entrants with a strictly greater balance.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Protocol, TypeVar

from kernel import base58


class Result(Protocol):
    """What an entrant reached. Amounts are integers in one unit; anything but the balance may be absent."""

    @property
    def wallet(self) -> str: ...
    @property
    def balance(self) -> Any: ...
    @property
    def win_rate(self) -> Any: ...
    @property
    def profitable_trades(self) -> Any: ...
    @property
    def average_profit(self) -> Any: ...
    @property
    def biggest_win(self) -> Any: ...
    @property
    def time_in_profit(self) -> Any: ...
    @property
    def first_profit_at(self) -> Any: ...


R = TypeVar("R", bound=Result)

_GREATER_FIRST: Final = (
    "win_rate",
    "profitable_trades",
    "average_profit",
    "biggest_win",
    "time_in_profit",
)


def rank(results: Iterable[R]) -> list[R]:
    """The same objects, best first. Raises ValueError where a tie meets a wallet that is no base58.

    Most balances differ, so only those who share one are compared in the rest.
    """
    ranked = _by(list(results), "balance", greatest_first=True)
    return [one for _, tied in groupby(ranked, key=attrgetter("balance")) for one in _untied(list(tied))]


def _untied(tied: list[R]) -> list[R]:
    """Who shares a balance, best first.

    Sorting keeps the order of equals, so the rules are applied from the last to the first. Only the wallets' bytes wait
    until it is known who is still equal: reading an address takes longer than all else together.
    """
    if len(tied) == 1:
        return tied
    ranked = _by(tied, "first_profit_at", greatest_first=False)
    for field in reversed(_GREATER_FIRST):
        ranked = _by(ranked, field, greatest_first=True)
    merits = attrgetter(*_GREATER_FIRST, "first_profit_at")
    return [one for _, equals in groupby(ranked, key=merits) for one in _by_wallet(list(equals))]


def _by(results: list[R], field: str, *, greatest_first: bool) -> list[R]:
    """By one field; whoever lacks it comes last."""
    value = attrgetter(field)
    there = [one for one in results if value(one) is not None]
    absent = [one for one in results if value(one) is None] if len(there) < len(results) else []
    return sorted(there, key=value, reverse=greatest_first) + absent


def _by_wallet(tied: list[R]) -> list[R]:
    return tied if len(tied) == 1 else sorted(tied, key=lambda one: base58.decode(one.wallet))


def shared_ranks(balances: Sequence[int]) -> list[int]:
    """The live leaderboard's rank of each balance, in the order given; equals share one."""
    ascending = sorted(balances)
    descending = [-balance for balance in reversed(ascending)]
    return [1 + bisect_left(descending, -balance) for balance in balances]
