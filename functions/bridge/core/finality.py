"""Owns how deep a deposit's block must lie before we pay for it: the more it is worth, the deeper.

A payment on Ethereum is for good, so what it rests on must not be taken back. Waiting costs the user time, so a small
order does not wait for what a large one needs. The floor below is the house's; a table of an origin may ask for more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kernel.errors import Invalid

#: Written where a rule wants the origin's own finality instead of a number of blocks.
FINALIZED: Final = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Orders worth at most so much need so many confirmations, the deposit's own block counted; None is no limit."""

    value_max_usd_cents: int | None
    confirmations: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Where a deposit's block is now: itself and the blocks on it, and whether its origin calls it final."""

    confirmations: int
    finalized: bool


FLOOR: Final = (
    Rule(value_max_usd_cents=100_00, confirmations=2),
    Rule(value_max_usd_cents=1_000_00, confirmations=4),
    Rule(value_max_usd_cents=10_000_00, confirmations=32),
    Rule(value_max_usd_cents=None, confirmations=FINALIZED),
)


class FinalityTooWeak(Invalid):
    """The finality table of an origin asks for less than the house's floor, or is no table."""

    cause = "A rule lets orders of some value be paid earlier than core/finality.py's floor, or the last is not open."
    remedy = "Raise the confirmations of that rule, let the values ascend, and end with a rule without a limit."


def checked(table: Sequence[Rule]) -> tuple[Rule, ...]:
    """The table, if values ascend to an open end and no value gets less than the floor. Raises FinalityTooWeak."""
    limits = [rule.value_max_usd_cents for rule in table]
    bounded = [limit for limit in limits if limit is not None]
    if not limits or limits[-1] is not None or len(bounded) != len(limits) - 1 or bounded != sorted(set(bounded)):
        raise FinalityTooWeak(values=" ".join(map(str, limits)))
    edges = [rule.value_max_usd_cents for rule in (*table, *FLOOR) if rule.value_max_usd_cents is not None]
    for value in (0, *edges, *(edge + 1 for edge in edges)):
        asked, least = required(value, table), required(value, FLOOR)
        if asked is not None and (least is None or asked < least):
            raise FinalityTooWeak(value_usd_cents=value, confirmations=asked)
    return tuple(table)


def required(value_usd_cents: int, table: Sequence[Rule]) -> int | None:
    """The confirmations that an order of this value needs; None for the origin's own finality."""
    fitting = (
        rule for rule in table if rule.value_max_usd_cents is None or value_usd_cents <= rule.value_max_usd_cents
    )
    return next(fitting).confirmations


def missing(depth: Depth, needed: int | None) -> int | None:
    """How many blocks are missing: 0 once it is deep enough, None if only the origin's finality can help."""
    if depth.finalized:
        return 0
    return None if needed is None else max(0, needed - depth.confirmations)
