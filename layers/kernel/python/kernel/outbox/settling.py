"""Owns what the business makes of an end: its own effect, in the transaction that records the end."""

from collections.abc import Callable
from typing import Any, TypeVar

from kernel.errors import Broken, Rejected
from kernel.outbox.obligation import Obligation
from kernel.postgres import Transaction

E = TypeVar("E", bound=Obligation[Any])


class SettlementRefused(Broken):
    """The business refused what the chain made final."""

    cause = "The caller's own effect of a settled transaction raised an error that would have dropped the submit task."
    remedy = "Correct the slice's `settled` callback and replay the task: the chain's word stands."


def tell(settled: Callable[[Transaction, E], None] | None, tx: Transaction, ended: E) -> None:
    """Have the business do what follows from the end. Raises SettlementRefused, and whatever may pass."""
    if settled is None:
        return
    try:
        settled(tx, ended)
    except Rejected as refused:
        raise SettlementRefused(business_key=ended.business_key, code=refused.code) from refused
