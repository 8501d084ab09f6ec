"""Owns what a settlement is as JSON, as it is stored, pinned and shown; and that none is ever unbalanced.

    {"items": [[item, owner], …], "deltas": [[wallet, lamports], …]}                          one transaction
    {"parts": [{"debits": [[wallet, lamports], …], "credits": […], "items": […]}, …]}         one by parts

Lamports are numbers: each is below 10^12, which every reader of JSON keeps exactly.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from functions.netting.core.netting import Clearing
from functions.netting.core.packing import InParts, Part, Settlement, Whole

Pairs: TypeAlias = Sequence[tuple[str, Any]]


def content_of(settlement: Settlement) -> dict[str, Any]:
    """The settlement as JSON."""
    if isinstance(settlement, Whole):
        return {"items": _lists(settlement.items), "deltas": _lists(settlement.deltas)}
    return {"parts": [_part(part) for part in settlement.parts]}


def settlement_of(content: Mapping[str, Any]) -> Settlement:
    """The settlement of its JSON. Raises KeyError for anything else."""
    if "parts" not in content:
        return Whole(items=_pairs(content["items"]), deltas=_pairs(content["deltas"]))
    names = ("debits", "credits", "items")
    return InParts(parts=tuple(Part(**{name: _pairs(part[name]) for name in names}) for part in content["parts"]))


def items_of(settlement: Settlement) -> dict[str, str]:
    """Every item of it, to its final owner."""
    if isinstance(settlement, Whole):
        return dict(settlement.items)
    return {item: owner for part in settlement.parts for item, owner in part.items}


def deltas_of(settlement: Settlement) -> dict[str, int]:
    """What it comes to for each wallet, in lamports."""
    return dict(settlement.deltas) if isinstance(settlement, Whole) else _summed(settlement.parts)


def entries_of(settlement: Settlement) -> int:
    """How many items and deltas it has."""
    if isinstance(settlement, Whole):
        return len(settlement.items) + len(settlement.deltas)
    return sum(len(part.debits) + len(part.credits) + len(part.items) for part in settlement.parts)


def require_conserved(clearing: Clearing, settlements: Sequence[Settlement]) -> None:
    """Refuse a plan that makes or loses a lamport or an item. Raises AssertionError.

    Each settlement balances; together they are the clearing, no item and no wallet coming twice.
    """
    if any(sum(deltas_of(one).values()) != 0 for one in settlements):
        raise AssertionError("a settlement does not add up to zero")
    deltas = [pair for one in settlements for pair in deltas_of(one).items()]
    items = [pair for one in settlements for pair in items_of(one).items()]
    if len(deltas) != len(dict(deltas)) or len(items) != len(dict(items)):
        raise AssertionError("a wallet or an item is in two settlements")
    if dict(deltas) != clearing.deltas or dict(items) != clearing.final_owners:
        raise AssertionError("the settlements are not the clearing")


def _summed(parts: Sequence[Part]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        for wallet, lamports in part.debits:
            total[wallet] -= lamports
        for wallet, lamports in part.credits:
            total[wallet] += lamports
    return dict(total)


def _part(part: Part) -> dict[str, Any]:
    return {"debits": _lists(part.debits), "credits": _lists(part.credits), "items": _lists(part.items)}


def _lists(pairs: Pairs) -> list[list[Any]]:
    return [list(pair) for pair in pairs]


def _pairs(lists: Sequence[Sequence[Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple(_pair(one) for one in lists)


def _pair(one: Sequence[Any]) -> tuple[str, Any]:
    name, value = one
    return name, value
